"""3 x 3 convolutions with a quarter of the multiplications, for pictures at test time.

Winograd's F(4 x 4, 3 x 3) (Lavin and Gray, arXiv 1509.09308, section 4): 4 x 4 results come from 6 x 6 inputs by 36
products for each pair of channels, where the definition takes 144. The transforms are small matrices; the rest is one
large matrix product, which is what a processor does best. Worth it from some 64 channels on.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

TILE = 4  # results of a tile, per side; it reads TILE + 2
INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
FILTER = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def _both_ways(matrix: tuple) -> Tensor:
    """The matrix that transforms a flattened tile along rows and columns, float64."""
    one = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(one, one)


class QuickConv(nn.Module):
    """A Conv2d of 3 x 3, stride 1, padding 1, computed by tiles: (B, inputs, H, W) -> (B, outputs, H, W).

    The same function up to rounding: about 1e-5 of the result's size in float32. `band`: rows of tiles worked on at
    once, which is what bounds the memory. ValueError for another kind of convolution.
    """

    def __init__(self, conv: nn.Conv2d, band: int = 4):
        super().__init__()
        if not quick(conv):
            raise ValueError(f"expected a 3 x 3 convolution with stride, padding and dilation 1, got {conv}")
        self.groups, self.outputs, self.band, self.bias = conv.groups, conv.out_channels, band, conv.bias
        split = conv.weight.detach().double().unflatten(0, (self.groups, -1)).flatten(3)
        filters = torch.einsum("kn,goin->kgoi", _both_ways(FILTER).to(split.device), split)
        self.register_buffer("filters", filters.to(conv.weight.dtype).contiguous())
        for name, matrix in (("enter", INPUT), ("leave", OUTPUT)):
            self.register_buffer(name, _both_ways(matrix).to(conv.weight))

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of every picture of the batch."""
        height, width = x.shape[-2:]
        x = F.pad(x, (1, 1 + -width % TILE, 1, 1 + -height % TILE))
        step, rows = TILE * self.band, range(0, x.shape[2] - 2, TILE * self.band)
        bands = [self._band(x[:, :, top : top + step + 2]) for top in rows]
        y = torch.cat(bands, dim=2)[..., :height, :width]
        return y if self.bias is None else y + self.bias[:, None, None]

    def _band(self, x: Tensor) -> Tensor:
        """Some rows of tiles, with a border of one pixel, (B, inputs, h + 2, w + 2) -> (B, outputs, h, w)."""
        batch, inputs, height, width = x.shape
        tiles = F.unfold(x, TILE + 2, stride=TILE).view(batch, inputs, 36, -1).permute(2, 0, 1, 3)
        seen = (self.enter @ tiles.flatten(1)).view(36, batch, self.groups, inputs // self.groups, -1)
        made = self.filters[:, None] @ seen
        y = (self.leave @ made.flatten(1)).view(TILE * TILE, batch, self.outputs, -1).permute(1, 2, 0, 3)
        down, across = (height - 2) // TILE, (width - 2) // TILE
        return F.pixel_shuffle(y.reshape(batch, self.outputs * TILE * TILE, down, across), TILE)


def quick(conv: nn.Module) -> bool:
    """Whether `QuickConv` can stand for a module."""
    if not isinstance(conv, nn.Conv2d) or conv.padding_mode != "zeros":
        return False
    ones = (conv.stride, conv.padding, conv.dilation) == ((1, 1),) * 3
    return ones and conv.kernel_size == (3, 3)


def for_testing(net: nn.Module, least: int = 64) -> nn.Module:
    """A copy of a network for test time, in eval mode: batch norms folded into the convolutions before them, and 3 x 3
    convolutions with at least `least` inputs and outputs in each group computed by tiles. The same function."""
    made = copy.deepcopy(net).eval().requires_grad_(False)
    for part in made.modules():
        if isinstance(part, nn.Sequential):
            _fold(part)
    for part in list(made.modules()):
        for name, child in list(part.named_children()):
            if quick(child) and min(child.in_channels, child.out_channels) // child.groups >= least:
                setattr(part, name, QuickConv(child))
    return made


def _fold(row: nn.Sequential) -> None:
    """Fold each batch norm of a row of modules into the convolution right before it."""
    for at in range(len(row) - 1):
        if isinstance(row[at], nn.Conv2d) and isinstance(row[at + 1], nn.BatchNorm2d):
            row[at], row[at + 1] = fuse_conv_bn_eval(row[at], row[at + 1]), nn.Identity()
