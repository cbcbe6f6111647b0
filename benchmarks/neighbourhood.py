"""Neighbourhood attention without writing down every place's neighbours: tile by tile, as masked attention.

The places of a tile share most of their neighbours, so one small block of keys serves them all. Each place scores the
whole block, and a mask leaves its own window. That is four times the products, but by matrix multiplication, and a
fiftieth of the memory traffic.
"""

import copy

import torch
from torch import Tensor, nn

TILE = 8  # places of a tile, per side


def _patterns(length: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Along one axis, for tiles of TILE places: which places each tile asks for (tiles, TILE), which block of keys it
    sees (tiles, block), and how far each key is from each place, plus size - 1 (tiles, TILE, block); -1 for a key
    outside of the place's window. The last tile asks for the last place again until it is full.
    """
    block = min(length, TILE + size - 1)
    begins = torch.arange(0, length, TILE)
    places = (begins[:, None] + torch.arange(TILE)).clamp(max=length - 1)
    keys = (begins - size // 2).clamp(0, length - block)[:, None] + torch.arange(block)
    first = (places - size // 2).clamp(0, length - size)[:, :, None]
    inside = (keys[:, None] >= first) & (keys[:, None] < first + size)
    return places, keys, torch.where(inside, keys[:, None] - places[:, :, None] + size - 1, -1)


def _cut(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Blocks of a map: (B, H, W, heads, d) -> (B, tiles down, tiles across, heads, places of a block, d)."""
    for axis, chosen in ((1, rows), (2, columns)):
        x = x.index_select(axis, chosen.flatten().to(x.device))
    x = x.unflatten(2, columns.shape).unflatten(1, rows.shape)
    return x.permute(0, 1, 3, 5, 2, 4, 6).flatten(4, 5)


class TiledAttention(nn.Module):
    """The same function as a `NeighbourhoodAttention` of mmlib.models.tsjnet, with its own parameters."""

    def __init__(self, whole: nn.Module):
        super().__init__()
        self.heads, self.size = whole.heads, whole.size
        self.qkv, self.proj, self.relative_bias = whole.qkv, whole.proj, whole.relative_bias

    def _mask(self, down: Tensor, across: Tensor) -> Tensor:
        """The learned bias of every place and key, minus infinity outside of the window, for all tiles."""
        kinds = [offsets.unique(dim=0, return_inverse=True) for offsets in (down, across)]
        (rows, row), (columns, column) = ([part.to(self.relative_bias.device) for part in kind] for kind in kinds)
        rows, columns = rows[:, None, :, None, :, None], columns[None, :, None, :, None, :]
        bias = self.relative_bias[:, rows.clamp(min=0), columns.clamp(min=0)].masked_fill(
            (rows < 0) | (columns < 0), -torch.inf
        )
        return bias.flatten(5).flatten(3, 4).permute(1, 2, 0, 3, 4)[row][:, column]

    def forward(self, x: Tensor) -> Tensor:
        """What each place took over from its neighbours, (B, H, W, C). ValueError if a side is too small."""
        height, width, channels = x.shape[1:]
        if min(height, width) < self.size:
            raise ValueError(f"{height} x {width} is too small; next: use fewer levels")
        (rows, near_rows, down), (columns, near_columns, across) = (_patterns(n, self.size) for n in (height, width))
        query, key, value = self.qkv(x).unflatten(3, (3, self.heads, -1)).unbind(dim=3)
        query = _cut(query * (channels // self.heads) ** -0.5, rows, columns)
        key, value = (_cut(part, near_rows, near_columns) for part in (key, value))
        share = (query @ key.transpose(-1, -2) + self._mask(down, across)).softmax(dim=-1)
        taken = (share @ value).unflatten(4, (TILE, TILE)).permute(0, 1, 4, 2, 5, 3, 6)
        return self.proj(taken.flatten(5).flatten(3, 4).flatten(1, 2)[:, :height, :width])


def tiled(net: nn.Module) -> nn.Module:
    """A copy of a network in which every neighbourhood attention works tile by tile: the same function."""
    made = copy.deepcopy(net)
    for part in list(made.modules()):
        for name, child in list(part.named_children()):
            if type(child).__name__ == "NeighbourhoodAttention":
                setattr(part, name, TiledAttention(child))
    return made
