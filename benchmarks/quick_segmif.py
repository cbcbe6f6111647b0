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

from mmlib.backbones.mit import MiT
from mmlib.models.segmif import DRDB, HIA, FusionNet, MoAM, Segmenter, SoAM, normalised

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
    convolve(space, list(block.convs), [(0, conv.in_channels) for conv in block.convs], F.relu_)
    for rows in bands(*features.shape[-2:]):
        features[:, :, rows] += F.relu_(block.reduce(inner[:, : block.reduce.in_channels, rows]))


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


def interact(block: HIA, ir: Tensor, vis: Tensor, seg: Tensor) -> None:
    """Hierarchical interactive attention; the features of both images (1, C, H, W) are replaced in place."""
    heads = block.soam.heads
    gram_ir, gram_vis, gram_seg = 0, 0, 0
    for rows in bands(*ir.shape[-2:]):
        gram_ir = gram_ir + gram(embedded(block.embed_ir[0], 0, ir[:, :, rows]))
        gram_vis = gram_vis + gram(embedded(block.embed_vis[0], 0, vis[:, :, rows]))
        gram_seg = gram_seg + gram(embedded(block.embed_seg[0], 1, seg[:, :, rows]))
    table_ir = table(block.soam.kv_ir, gram_ir, heads)
    table_vis = table(block.soam.kv_vis, gram_vis, heads)
    table_seg = table(block.moam.kv_seg, gram_seg, heads)
    for features, embed, own, join, norm in (
        (ir, block.embed_ir, table_ir, block.join_ir, block.norm_ir),
        (vis, block.embed_vis, table_vis, block.join_vis, block.norm_vis),
    ):
        from_soam, from_moam = join.weight.double().chunk(2, dim=1)
        mix = torch.cat([from_soam @ own.T, from_moam @ table_seg.T], dim=1).to(features)[:, :, None, None]
        for rows in bands(*ir.shape[-2:]):
            y_seg = embedded(block.embed_seg[0], 0, seg[:, :, rows])
            u = embedded(embed[0], 1, features[:, :, rows])
            joined = F.conv2d(torch.cat([y_seg, u], dim=1), mix, join.bias)
            joined = joined.add_(features[:, :, rows]).permute(0, 2, 3, 1)
            features[:, :, rows] = norm(joined).permute(0, 3, 1, 2)


class QuickFusion(nn.Module):
    """A `FusionNet` for test time: (vis, ir, seg_features) -> fused luma (B, 1, H, W), the same function.

    ValueError for an interaction that is neither HIA with SoAM and MoAM nor None.
    """

    def __init__(self, net: FusionNet):
        super().__init__()
        block = net.interaction
        whole = isinstance(block, HIA) and isinstance(block.soam, SoAM) and isinstance(block.moam, MoAM)
        if block is not None and not whole:
            raise ValueError(f"expected HIA with SoAM and MoAM or no interaction, got {type(block).__name__}")
        self.net = copy.deepcopy(net).eval().requires_grad_(False).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def forward(self, vis: Tensor, ir: Tensor, seg_features: list[Tensor] | None = None) -> Tensor:
        """One pair after the other."""
        maps = [one.split(1) for one in seg_features or ()]
        pairs = zip(vis.split(1), ir.split(1), *maps)
        return torch.cat([self._pair(*pair) for pair in pairs])

    def _pair(self, vis: Tensor, ir: Tensor, *seg_features: Tensor) -> Tensor:
        net, slope, (height, width) = self.net, float(self.net.act.weight), vis.shape[-2:]
        feat_ir = F.leaky_relu_(net.stem_ir(ir), slope)
        feat_vis = F.leaky_relu_(net.stem_vis(vis), slope)
        merges = [net.merge1, net.merge2, net.merge3]
        most = max(net.drdb1_ir.reduce.in_channels, sum(conv.in_channels for conv in merges) + 16)
        space = vis.new_zeros(1, height + 2 * EDGE, width, most).permute(0, 3, 1, 2)
        places = ((net.drdb1_ir, net.drdb1_vis), (net.drdb2_ir, net.drdb2_vis))
        for place, (drdb_ir, drdb_vis) in enumerate(places):
            dense(drdb_ir, feat_ir, space)
            dense(drdb_vis, feat_vis, space)
            if net.interaction is not None:
                project = net.seg1 if place == 0 else net.seg2
                seg = project(seg_features[place].contiguous(memory_format=torch.channels_last))
                interact(net.interaction, feat_ir, feat_vis, F.interpolate(seg, (height, width), mode="bilinear"))
        return self._merged(feat_ir, feat_vis, space, merges, lambda x: F.leaky_relu_(x, slope))

    def _merged(self, feat_ir: Tensor, feat_vis: Tensor, space: Tensor, merges: list, act: Callable) -> Tensor:
        inner, reads, last = space[:, :, EDGE:-EDGE], [], 0
        inner[:, : feat_ir.shape[1]] = feat_ir
        inner[:, feat_ir.shape[1] : 2 * feat_ir.shape[1]] = feat_vis
        for conv in merges:
            reads.append((last, last + conv.in_channels))
            last += conv.in_channels
        convolve(space, merges, reads, act)
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
        projects = [net.project1, net.project2, net.project3, net.project4]
        scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
        shift = (norm.bias - scale * norm.running_mean).detach()
        blends = net.blend.weight.detach().flatten(1).chunk(4, dim=1)[::-1]
        for project, blend in zip(projects, blends):
            made = nn.Conv2d(project.in_channels, len(scale), 1).to(scale).requires_grad_(False)
            made.weight.copy_((scale[:, None] * blend @ project.weight.detach().flatten(1))[:, :, None, None])
            made.bias.copy_(scale * (blend @ project.bias.detach()) + shift / 4)
            self.parts.append(made)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Each map blended at its own size, then enlarged and added."""
        fine, *others = (part(maps) for part, maps in zip(self.parts, self.encoder(normalised(image))))
        for maps in others:
            fine = fine + F.interpolate(maps, size=fine.shape[-2:], mode="bilinear")
        return F.interpolate(self.classify(F.relu_(fine)), size=image.shape[-2:], mode="bilinear")
