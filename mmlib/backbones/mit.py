"""The mix transformer, SegFormer's encoder (Xie et al., NeurIPS 2021), for segmentation at any size of image."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MIT = {
    "tiny": ((16, 32, 80, 128), (1, 1, 1, 1), 2),
    "b0": ((32, 64, 160, 256), (2, 2, 2, 2), 4),
    "b1": ((64, 128, 320, 512), (2, 2, 2, 2), 4),
    "b2": ((64, 128, 320, 512), (3, 4, 6, 3), 4),
    "b3": ((64, 128, 320, 512), (3, 4, 18, 3), 4),
}
"""Channels and depths of the four stages, and the stride of the first; "tiny" is ours, for small images."""


def init_weights(module: nn.Module) -> None:
    """How SegFormer starts: small weights, no biases. For `module.apply`."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        fan_out = math.prod(module.kernel_size) * module.out_channels / module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
    if getattr(module, "bias", None) is not None:
        nn.init.zeros_(module.bias)


def to_tokens(features: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H W, C)."""
    return features.flatten(2).transpose(1, 2)


def to_map(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, H W, C) -> (B, C, H, W) of `size` (H, W)."""
    return tokens.transpose(1, 2).unflatten(2, size)


class Attention(nn.Module):
    """Self-attention over the tokens (B, N, C) of a map, with keys and values from a map `reduction` times smaller."""

    def __init__(self, width: int, heads: int, reduction: int):
        super().__init__()
        self.heads = heads
        self.reduction = reduction
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        if reduction > 1:
            self.sr = nn.Conv2d(width, width, kernel_size=reduction, stride=reduction)
            self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """What each place collects from all places; `size`: (H, W) of the map."""
        coarse = x
        if self.reduction > 1:
            coarse = self.norm(to_tokens(self.sr(to_map(x, size))))
        key, value = self.kv(coarse).chunk(2, dim=-1)
        q = self.q(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, N, d)
        k = key.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, N / reduction^2, d)
        v = value.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        found = F.scaled_dot_product_attention(q, k, v)
        return self.proj(found.transpose(1, 2).flatten(2))


class MixFFN(nn.Module):
    """Each token by itself, but for a 3 x 3 convolution: the zeros around the map tell a token where it is."""

    def __init__(self, width: int, ratio: int = 4):
        super().__init__()
        hidden = ratio * width
        self.fc1 = nn.Linear(width, hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1, groups=hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Tokens (B, N, C) of a map of `size` -> the same shape."""
        hidden = to_map(self.fc1(x), size)  # (B, 4 C, H, W)
        hidden = to_tokens(self.dwconv(hidden))  # (B, N, 4 C)
        return self.fc2(F.gelu(hidden))


class Block(nn.Module):
    """Attention, then MixFFN, each added to its input; in training each is left out with probability `drop`."""

    def __init__(self, width: int, heads: int, reduction: int, drop: float):
        super().__init__()
        # Imported late: torchvision takes a second that the chapters without this encoder needn't spend.
        from torchvision.ops import StochasticDepth

        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, reduction)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = MixFFN(width)
        self.drop_path = StochasticDepth(drop, mode="row")

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Tokens (B, N, C) of a map of `size` -> the same."""
        x = x + self.drop_path(self.attn(self.norm1(x), size))
        return x + self.drop_path(self.mlp(self.norm2(x), size))


class Stage(nn.Module):
    """Overlapping patches become tokens, and blocks work on them: (B, inputs, H, W) -> (B, width, H / s, W / s).

    drops: of each block.  patch: side and stride s of the patches.
    """

    def __init__(self, inputs: int, width: int, heads: int, reduction: int, drops: list[float], patch: tuple[int, int]):
        super().__init__()
        side, stride = patch
        self.patch = nn.Conv2d(inputs, width, kernel_size=side, stride=stride, padding=side // 2)
        self.patch_norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList()
        for drop in drops:
            self.blocks.append(Block(width, heads, reduction, drop))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, image: Tensor) -> Tensor:
        """A smaller map with more channels."""
        patches = self.patch(image)
        size = patches.shape[-2:]
        x = self.patch_norm(to_tokens(patches))
        for block in self.blocks:
            x = block(x, size)
        return to_map(self.norm(x), size)


class MiT(nn.Module):
    """Mix transformer: (B, 3, H, W), normalised -> four maps, at 1/4 to 1/32 of the size ("tiny": at 1/2 to 1/16).

    channels: of the maps.
    """

    def __init__(self, name: str = "b3", drop: float = 0.1):
        super().__init__()
        self.channels, depths, stride = MIT[name]
        c1, c2, c3, c4 = self.channels
        drops = torch.linspace(0, drop, sum(depths), device="cpu").tolist()  # deeper blocks are left out more often
        d1, d2, d3, _ = depths
        drops1, drops2 = drops[:d1], drops[d1 : d1 + d2]
        drops3, drops4 = drops[d1 + d2 : d1 + d2 + d3], drops[d1 + d2 + d3 :]
        stage1 = Stage(3, c1, heads=1, reduction=8, drops=drops1, patch=(7, stride))
        stage2 = Stage(c1, c2, heads=2, reduction=4, drops=drops2, patch=(3, 2))
        stage3 = Stage(c2, c3, heads=5, reduction=2, drops=drops3, patch=(3, 2))
        stage4 = Stage(c3, c4, heads=8, reduction=1, drops=drops4, patch=(3, 2))
        self.stages = nn.ModuleList([stage1, stage2, stage3, stage4])
        self.apply(init_weights)

    def forward(self, image: Tensor, stages: int = 4) -> list[Tensor]:
        """The maps of the first `stages` stages, from fine to coarse."""
        maps = []
        x = image
        for stage in self.stages[:stages]:
            x = stage(x)
            maps.append(x)
        return maps
