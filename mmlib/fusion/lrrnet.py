"""LRRNet (Li et al., TPAMI 2023): each source is split into a low-rank and a sparse part by unrolled iterations."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RENAMED = {
    "get_ls1.": "decompose_ir.",
    "get_ls2.": "decompose_vis.",
    "lrrblock": "blocks.",
    "conv_Wdz.conv2d": "synthesis",
    "conv_Wdtz.conv2d": "analysis",
    "conv_W00.conv2d": "first",
    "lamj": "threshold",
    "lamz": "keep",
    "conv_ReZx.conv2d": "low_ir",
    "conv_ReUx.conv2d": "high_ir",
    "conv_ReZy.conv2d": "low_vis",
    "conv_ReUy.conv2d": "high_vis",
    "conv_ReL.conv2d": "low",
    "conv_ReH.conv2d": "high",
}
"""Parts of the released names -> ours."""

STRETCH = 1e-5
"""Added to the range of a picture that is stretched, in grey levels for the sources."""

CHUNK = 1024
"""Pixels worked on at once in the quick form: 256 channels of them, 1 MB, stay in the processor's cache."""


class LRRNet(nn.Module):
    """Visible luma and infrared, (B, 1, H, W) twice in [0, 1] -> fused (B, 1, H, W) in [0, 1]; from 2x2 pixels on.

    Each source, and the result, is stretched by its own minimum and maximum, picture by picture, as the release does.
    `quick` chooses how the same sums are computed, see `Decomposition.quick`.
    """

    def __init__(self, channels: int = 256, blocks: int = 4, quick: bool = True):
        super().__init__()
        self.quick = quick
        self.decompose_ir = Decomposition(channels, blocks)
        self.decompose_vis = Decomposition(channels, blocks)
        self.decoder = Decoder(channels // 2)

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        """Split both, join low-rank with low-rank and sparse with sparse, add."""
        vis = stretch(255 * vis)
        ir = stretch(255 * ir)
        if self.quick and not torch.is_grad_enabled():  # it works in place
            low_ir, high_ir = self.decompose_ir.quick(ir, self.decoder.low_ir, self.decoder.high_ir)
            low_vis, high_vis = self.decompose_vis.quick(vis, self.decoder.low_vis, self.decoder.high_vis)
        else:
            z_ir = self.decompose_ir(ir)  # (B, 256, H, W)
            z_vis = self.decompose_vis(vis)
            low_rank_ir, sparse_ir = z_ir.chunk(2, dim=1)  # (B, 128, H, W) each
            low_rank_vis, sparse_vis = z_vis.chunk(2, dim=1)
            low_ir, high_ir = self.decoder.low_ir(low_rank_ir), self.decoder.high_ir(sparse_ir)
            low_vis, high_vis = self.decoder.low_vis(low_rank_vis), self.decoder.high_vis(sparse_vis)
        low = self.decoder.low(torch.cat([low_ir, low_vis], dim=1))
        high = self.decoder.high(torch.cat([high_ir, high_vis], dim=1))
        return stretch(low + high)


class Decomposition(nn.Module):
    """z = [low-rank, sparse] with x = synthesis(z), by iterations whose filters are learned (a learned ISTA).

    (B, 1, H, W) -> (B, channels, H, W), the first half low-rank, the second sparse. Each block corrects z by what the
    image lacks of it and shrinks the result; all blocks share the thresholds and the weight `keep` of the old z.
    """

    def __init__(self, channels: int, blocks: int):
        super().__init__()
        self.threshold = nn.Parameter(torch.full((1, channels), 0.01))
        self.keep = nn.Parameter(torch.ones(1, 1))
        self.first = conv3x3(1, channels)
        self.blocks = nn.ModuleList([Block(channels) for _ in range(blocks)])

    def forward(self, x: Tensor) -> Tensor:
        """The iterations as the paper writes them."""
        threshold = self.threshold.view(1, -1, 1, 1)
        z = shrink(self.first(x), threshold)
        for block in self.blocks:
            missing = x - block.synthesis(z)  # (B, 1, H, W)
            z = shrink(self.keep * z + block.analysis(missing), threshold)
        return z

    def quick(self, x: Tensor, low: nn.Conv2d, high: nn.Conv2d) -> tuple[Tensor, Tensor]:
        """The same iterations, then `low` of z's first half and `high` of its second: (B, 1, H, W) -> the same, twice.

        A convolution of one channel to 256, or of 256 to one, does so few sums per value that it waits for memory.
        Both are written as matrix products over a few thousand pixels at a time, so that z is read and written once
        per block; picture by picture, so that a batch needs no more memory than one.
        """
        pictures = [self._quick_one(picture, low, high) for picture in x.split(1)]
        return torch.cat([low for low, _ in pictures]), torch.cat([high for _, high in pictures])

    def _quick_one(self, x: Tensor, low: nn.Conv2d, high: nn.Conv2d) -> tuple[Tensor, Tensor]:
        channels = self.threshold.numel()
        threshold = self.threshold.view(-1, 1)
        none = x.new_zeros(9, channels // 2)
        low_taps = torch.cat([taps(low), none], dim=1)
        high_taps = torch.cat([none, taps(high)], dim=1)
        decode = torch.cat([low_taps, high_taps])  # (18, 256)
        synthesis = [taps(block.synthesis) for block in self.blocks] + [decode]  # (9, 256) each, then the decoder's
        analysis = [weights_and_bias(self.first)]  # (256, 9 + 1) each
        analysis += [weights_and_bias(block.analysis) for block in self.blocks]
        z = [x.new_zeros(channels, len(part)) for part in torch.arange(x[0].numel()).split(CHUNK)]
        source = x
        for number in range(len(self.blocks) + 1):
            around = F.unfold(F.pad(source, (1, 1, 1, 1), mode="reflect"), kernel_size=3)[0]  # (9, H W)
            around = torch.cat([around, torch.ones_like(around[:1])])  # the ones carry the bias
            sums = []
            for part, here in zip(z, around.split(CHUNK, dim=1)):
                part.mul_(self.keep).addmm_(analysis[number], here)
                part.sub_(part.abs().minimum(threshold).mul_(part.sign()))  # shrink
                sums.append(synthesis[number] @ part)
            sums = torch.cat(sums, dim=1).view(1, -1, *x.shape[-2:])  # (1, 9 or 18, H, W)
            if number < len(self.blocks):
                source = x - shifted_sum(sums, self.blocks[number].synthesis.bias)
        return shifted_sum(sums[:, :9], low.bias), shifted_sum(sums[:, 9:], high.bias)


class Block(nn.Module):
    """The two convolutions of one iteration: from z to the image, and from what the image lacks back to z."""

    def __init__(self, channels: int):
        super().__init__()
        self.synthesis = conv3x3(channels, 1)
        self.analysis = conv3x3(1, channels)


class Decoder(nn.Module):
    """One image of each part of each source, and the joining of the two sources."""

    def __init__(self, channels: int):
        super().__init__()
        self.low_ir = conv3x3(channels, 1)
        self.high_ir = conv3x3(channels, 1)
        self.low_vis = conv3x3(channels, 1)
        self.high_vis = conv3x3(channels, 1)
        self.low = conv3x3(2, 1)
        self.high = conv3x3(2, 1)


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution that mirrors the image at its borders."""
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, padding_mode="reflect")


def shrink(x: Tensor, threshold: Tensor) -> Tensor:
    """Soft shrinkage: every value goes towards 0 by `threshold`, and no further; away from 0 where that is negative.

    Negative thresholds were learned for some channels, so `torch.clamp` cannot stand in.
    """
    return x.sign() * (x.abs() - threshold).clamp(min=0)


def stretch(image: Tensor) -> Tensor:
    """(image - min) / (max - min + 1e-5) of each picture by itself: (B, 1, H, W) -> the same, in [0, 1]."""
    low = image.amin(dim=(1, 2, 3), keepdim=True)
    high = image.amax(dim=(1, 2, 3), keepdim=True)
    return (image - low) / (high - low + STRETCH)


def weights_and_bias(conv: nn.Conv2d) -> Tensor:
    """The weights of a 3x3 convolution of one channel, and its bias as a tenth: (outputs, 10)."""
    return torch.cat([conv.weight.flatten(1), conv.bias[:, None]], dim=1)


def taps(conv: nn.Conv2d) -> Tensor:
    """The weights of a 3x3 convolution to one channel, a row for each of its nine places: (9, inputs)."""
    return conv.weight[0].flatten(1).t()


def shifted_sum(sums: Tensor, bias: Tensor) -> Tensor:
    """Nine images, each moved to its place in the 3x3 window, added: (1, 9, H, W) -> (1, 1, H, W)."""
    places = torch.eye(9, dtype=sums.dtype, device=sums.device).view(1, 9, 3, 3)
    return F.conv2d(F.pad(sums, (1, 1, 1, 1), mode="reflect"), places, bias)
