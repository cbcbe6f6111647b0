"""SegMiF at test time: the functions that chapter 7 builds, with less work, and no gradients.

Where the time of the taught network goes is moved memory more than arithmetic, so here
- maps lie pixel by pixel (channels last), and a dense block's channels grow in one place instead of being copied;
- convolutions work on bands of rows small enough for a processor's cache;
- the interaction never builds keys, values or answers. Its tables need only a product of features with themselves,
  K' V = P_k (y' y) P_v', and what follows a table is linear, so that one small matrix does both;
- linear layers are computed as 1 x 1 convolutions, for which PyTorch has the faster code;
- the segmenter's head blends before it enlarges, because both are linear.
Results differ by rounding: about 1e-5 of their size in float32.
"""

import copy
import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.models.segmif import DRDB, FusionNet, Interaction, MiT, MoAM, Segmenter, SoAM, normalised

EDGE = 2  # rows of zeros above and below a picture in the workspace: as far as a convolution reaches
CACHED = 10_000  # pixels of a band


def bands(height: int, width: int) -> Iterator[slice]:
    """Rows of a picture, a band at a time."""
    step = max(1, CACHED // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def convolve(space: Tensor, convs: list[nn.Conv2d], reads: list[tuple[int, int]], act: Callable) -> None:
    """3 x 3 convolutions one after another, each some rows behind the one before it, in one workspace.

    `space`: (1, channels, EDGE + H + EDGE, W), channels last. Convolution i reads the channels from `reads[i][0]` to
    before `reads[i][1]`; what `act` makes of its result is written to the channels that follow.
    """
    height, width, reach = space.shape[2] - 2 * EDGE, space.shape[3], convs[0].dilation[0]
    step = max(1, CACHED // width)
    for start in range(0, height + reach * (len(convs) - 1), step):
        for number, (conv, (first, last)) in enumerate(zip(convs, reads)):
            top, end = max(0, start - number * reach), min(height, start + step - number * reach)
            if top < end:
                seen = space[:, first:last, top + EDGE - reach : end + EDGE + reach]
                found = F.conv2d(seen, conv.weight, conv.bias, padding=(0, reach), dilation=reach)
                space[:, last : last + conv.out_channels, top + EDGE : end + EDGE] = act(found)


def dense(block: DRDB, features: Tensor, space: Tensor) -> None:
    """A dilated residual dense block, features (1, C, H, W) -> the same, in place."""
    inner = space[:, :, EDGE:-EDGE]
    inner[:, : features.shape[1]] = features
    convolve(space, block.grow, [(0, conv.in_channels) for conv in block.grow], F.relu_)
    for rows in bands(*features.shape[-2:]):
        features[:, :, rows] += F.relu_(block.shrink(inner[:, : block.shrink.in_channels, rows]))


def embedded(layer: nn.Linear, which: int, features: Tensor) -> Tensor:
    """Half `which` of what a linear layer with a ReLU makes of maps (1, C, h, W)."""
    weight, bias = layer.weight.chunk(2)[which], layer.bias.chunk(2)[which]
    return F.relu_(F.conv2d(features, weight[:, :, None, None], bias))


def gram(features: Tensor) -> Tensor:
    """Sum over pixels of each channel times each channel: (1, C, h, W) -> (C, C), float64."""
    tokens = features[0].flatten(1)
    return (tokens @ tokens.T).double()


def table(ask: nn.Linear, together: Tensor, heads: int) -> Tensor:
    """The attention's small tables, one head beside the other, (C, C), from the `gram` of what was asked."""
    key, value = ask.weight.double().chunk(2)
    whole = key @ together @ value.T * (len(together) // heads) ** -0.5
    size = len(together) // heads
    own = (whole[i : i + size, i : i + size].softmax(dim=0) for i in range(0, len(together), size))
    return torch.block_diag(*own)


def interact(block: Interaction, ir: Tensor, rgb: Tensor, seg: Tensor) -> None:
    """Hierarchical interactive attention; the two senses (1, C, H, W) are replaced in place."""
    soam, moam = block.mixers
    asked = [(soam.ir, 0, block.embed[0], ir), (soam.rgb, 0, block.embed[1], rgb), (moam.seg, 1, block.embed[2], seg)]
    found = [0, 0, 0]
    for rows in bands(*ir.shape[-2:]):
        for i, (_, half, layer, maps) in enumerate(asked):
            found[i] = found[i] + gram(embedded(layer, half, maps[:, :, rows]))
    *own, theirs = (table(ask, together, soam.heads) for (ask, *_), together in zip(asked, found))
    for number, (sense, norm, join) in enumerate(zip((ir, rgb), block.norm, block.join)):
        told, heard = join.weight.double().chunk(2, dim=1)
        mix = torch.cat([told @ own[number].T, heard @ theirs.T], dim=1).to(sense)[:, :, None, None]
        for rows in bands(*ir.shape[-2:]):
            parts = embedded(block.embed[2], 0, seg[:, :, rows]), embedded(block.embed[number], 1, sense[:, :, rows])
            joined = F.conv2d(torch.cat(parts, dim=1), mix, join.bias).add_(sense[:, :, rows]).permute(0, 2, 3, 1)
            sense[:, :, rows] = norm(joined).permute(0, 3, 1, 2)


class QuickFusion(nn.Module):
    """A `FusionNet` for test time: (luma, ir, features) -> fused luma (B, 1, H, W), the same function.

    ValueError for a way to interact that is neither HIA nor none.
    """

    def __init__(self, net: FusionNet):
        super().__init__()
        kinds = [type(mixer) for mixer in net.interact.mixers] if net.interact else [SoAM, MoAM]
        if kinds != [SoAM, MoAM]:
            raise ValueError(f"expected a fusion net with SoAM and MoAM or without interaction, got {kinds}")
        self.net = copy.deepcopy(net).eval().requires_grad_(False).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def forward(self, luma: Tensor, ir: Tensor, features: list[Tensor] = ()) -> Tensor:
        """One pair after the other."""
        pairs = zip(luma.split(1), ir.split(1), *(maps.split(1) for maps in features))
        return torch.cat([self._pair(*pair) for pair in pairs])

    def _pair(self, luma: Tensor, ir: Tensor, *features: Tensor) -> Tensor:
        net, slope, (height, width) = self.net, float(self.net.act.weight), luma.shape[-2:]
        senses = [F.leaky_relu_(stem(x), slope) for stem, x in zip(net.stem, (ir, luma))]
        most = max(net.dense[0].shrink.in_channels, sum(conv.in_channels for conv in net.merge) + 16)
        space = luma.new_zeros(1, height + 2 * EDGE, width, most).permute(0, 3, 1, 2)
        for place in range(2):
            for number, sense in enumerate(senses):
                dense(net.dense[2 * place + number], sense, space)
            if net.interact is not None:
                told = net.read[place](features[place].contiguous(memory_format=torch.channels_last))
                interact(net.interact, *senses, F.interpolate(told, size=(height, width), mode="bilinear"))
        return self._merged(senses, space, lambda x: F.leaky_relu_(x, slope))

    def _merged(self, senses: list[Tensor], space: Tensor, act: Callable) -> Tensor:
        inner, reads, last = space[:, :, EDGE:-EDGE], [], 0
        for number, sense in enumerate(senses):
            inner[:, number * sense.shape[1] : (number + 1) * sense.shape[1]] = sense
        for conv in self.net.merge:
            reads.append((last, last + conv.in_channels))
            last += conv.in_channels
        convolve(space, self.net.merge, reads, act)
        return inner[:, last : last + 1].clone()


class QuickLinear(nn.Module):
    """A linear layer over tokens (B, N, inputs) -> (B, N, outputs), computed as a 1 x 1 convolution."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.weight, self.bias = linear.weight[:, :, None, None], linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """Tokens as pixels of a map; any map will do."""
        count = x.shape[:-1].numel()
        across = math.gcd(count, 32)
        image = x.reshape(1, count // across, across, x.shape[-1]).permute(0, 3, 1, 2)
        return F.conv2d(image, self.weight, self.bias).permute(0, 2, 3, 1).reshape(*x.shape[:-1], -1)


def quick_encoder(encoder: MiT) -> MiT:
    """A copy of an encoder for test time, its linear layers `QuickLinear`: the same function."""
    made = copy.deepcopy(encoder).eval().requires_grad_(False).to(memory_format=torch.channels_last)
    for part in list(made.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, nn.Linear):
                setattr(part, name, QuickLinear(child))
    return made


class QuickSegmenter(nn.Module):
    """A `Segmenter` for test time: colour (B, 3, H, W) in [0, 1] -> logits (B, classes, H, W), the same function."""

    def __init__(self, net: Segmenter):
        super().__init__()
        self.encoder, self.classify = quick_encoder(net.encoder), copy.deepcopy(net.classify).requires_grad_(False)
        norm, self.parts = net.norm, nn.ModuleList()
        scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
        shift = (norm.bias - scale * norm.running_mean).detach()
        blends = net.blend.weight.detach().flatten(1).chunk(len(net.project), dim=1)[::-1]
        for project, blend in zip(net.project, blends):
            made = nn.Conv2d(project.in_channels, len(scale), 1).to(scale).requires_grad_(False)
            made.weight.copy_((scale[:, None] * blend @ project.weight.detach().flatten(1))[:, :, None, None])
            made.bias.copy_(scale * (blend @ project.bias.detach()) + shift / len(net.project))
            self.parts.append(made)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Each map blended at its own size, then enlarged and added."""
        fine, *others = (part(maps) for part, maps in zip(self.parts, self.encoder(normalised(image))))
        for maps in others:
            fine = fine + F.interpolate(maps, size=fine.shape[-2:], mode="bilinear")
        return F.interpolate(self.classify(F.relu_(fine)), size=image.shape[-2:], mode="bilinear")
