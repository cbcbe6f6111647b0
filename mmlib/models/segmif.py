"""SegMiF: can an image be fused for the one who reads it?

Written by ``make export`` from the cells tagged ``export`` in nbs/07_segmif.ipynb; change them there.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from mmlib.images import luma, rgb_to_ycbcr, ycbcr_to_rgb


class DRDB(nn.Module):
    """Dilated residual dense block: (B, width, H, W) -> the same."""

    def __init__(self, width: int = 64, growth: int = 32, layers: int = 5):
        super().__init__()
        inputs = [width + i * growth for i in range(layers)]
        self.grow = nn.ModuleList(nn.Conv2d(n, growth, 3, padding=2, dilation=2) for n in inputs)
        self.shrink = nn.Conv2d(width + layers * growth, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Every layer sees all that was found before it."""
        known = features
        for grow in self.grow:
            known = torch.cat([known, F.relu(grow(known), inplace=True)], dim=1)
        return features + F.relu(self.shrink(known))


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Linear attention, (B, N, C) three times -> (B, N, C); C is divisible by heads."""
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in (query, key, value))
    context = k.transpose(-2, -1) @ v * q.shape[-1] ** -0.5
    return (q @ context.softmax(dim=-2)).transpose(1, 2).flatten(2)


class SoAM(nn.Module):
    """Semantic-oriented attention: the segmentation asks, each sense answers."""

    def __init__(self, width: int = 64, heads: int = 8):
        super().__init__()
        self.heads = heads
        self.ir, self.rgb = (nn.Linear(width, 2 * width, bias=False) for _ in range(2))

    def forward(self, ir: Tensor, rgb: Tensor, seg: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C) three times -> what each sense answers, (B, N, C) twice."""
        answers = (told.chunk(2, -1) for told in (self.ir(ir), self.rgb(rgb)))
        return tuple(attend(seg, key, value, self.heads) for key, value in answers)


class MoAM(nn.Module):
    """Modality-oriented attention: each sense asks, the segmentation answers."""

    def __init__(self, width: int = 64, heads: int = 8):
        super().__init__()
        self.heads = heads
        self.seg = nn.Linear(width, 2 * width, bias=False)

    def forward(self, ir: Tensor, rgb: Tensor, seg: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C) three times -> what each sense is told, (B, N, C) twice."""
        key, value = self.seg(seg).chunk(2, -1)
        return attend(ir, key, value, self.heads), attend(rgb, key, value, self.heads)


def gently(module: nn.Module) -> None:
    """How SegFormer and HIA begin: small weights, no biases. For `module.apply`."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        reached = math.prod(module.kernel_size) * module.out_channels / module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / reached))
    if getattr(module, "bias", None) is not None:
        nn.init.zeros_(module.bias)


class Interaction(nn.Module):
    """Ways to mix two senses and a segmentation; with SoAM and MoAM it is HIA."""

    def __init__(self, width: int, mixers: list[nn.Module]):
        super().__init__()
        self.mixers, inner = nn.ModuleList(mixers), len(mixers) * width
        self.embed = nn.ModuleList(nn.Linear(width, inner) for _ in range(3))
        self.join = nn.ModuleList(nn.Linear(inner, width) for _ in range(2))
        self.norm = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.apply(gently)

    def forward(self, ir: Tensor, rgb: Tensor, seg: Tensor) -> list[Tensor]:
        """Features (B, C, H, W) three times -> the two senses' anew."""
        tokens = [f.flatten(2).transpose(1, 2) for f in (ir, rgb, seg)]
        parts = [F.relu(embed(f)).chunk(len(self.mixers), -1) for embed, f in zip(self.embed, tokens)]
        mixed = [mix(*part) for mix, *part in zip(self.mixers, *parts)]
        joined = [j(torch.cat(m, -1)) for j, m in zip(self.join, zip(*mixed))]
        out = [norm(f + x) for norm, f, x in zip(self.norm, tokens, joined)]
        return [o.transpose(1, 2).unflatten(2, ir.shape[-2:]) for o in out]


def hia(width: int = 64) -> Interaction:
    """Hierarchical interactive attention: both ways to mix, in heads of 8 channels."""
    heads = max(1, width // 8)
    return Interaction(width, [SoAM(width, heads), MoAM(width, heads)])


class FusionNet(nn.Module):
    """Luma and infrared (B, 1, H, W) and two feature maps -> fused luma (B, 1, H, W).

    `seen`: channels of the two feature maps. Without `interact` there are none.
    """

    def __init__(
        self,
        interact: nn.Module | None,
        width: int = 64,
        growth: int = 32,
        layers: int = 5,
        seen: tuple[int, int] = (64, 128),
    ):
        super().__init__()
        self.act, self.interact = nn.PReLU(), interact
        self.stem = nn.ModuleList(nn.Conv2d(1, width, 3, padding=1) for _ in range(2))
        self.dense = nn.ModuleList(DRDB(width, growth, layers) for _ in range(4))
        self.read = nn.ModuleList(nn.Conv2d(c, width, 1) for c in seen if interact)
        steps = ((2 * width, width), (width, width // 2), (width // 2, 1))
        self.merge = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in steps)

    def forward(self, luma: Tensor, ir: Tensor, features: list[Tensor] = ()) -> Tensor:
        """Two places in turn: find in each sense, then let them interact."""
        ir, rgb = (self.act(stem(x)) for stem, x in zip(self.stem, (ir, luma)))
        for place in range(2):
            ir, rgb = self.dense[2 * place](ir), self.dense[2 * place + 1](rgb)
            if self.interact is not None:
                told = self.read[place](features[place])
                told = F.interpolate(told, size=ir.shape[-2:], mode="bilinear")
                ir, rgb = self.interact(ir, rgb, told)
        fused = torch.cat([ir, rgb], dim=1)
        for merge in self.merge:
            fused = self.act(merge(fused))
        return fused


class Attention(nn.Module):
    """Self-attention over tokens (B, N, C) of a map; keys from a coarser map."""

    def __init__(self, width: int, heads: int, reduction: int):
        super().__init__()
        self.heads, self.reduction = heads, reduction
        self.q, self.kv = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        if reduction > 1:
            self.sr = nn.Conv2d(width, width, reduction, stride=reduction)
            self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """What each place takes from all places."""
        coarse = x
        if self.reduction > 1:
            coarse = self.sr(x.transpose(1, 2).unflatten(2, size))
            coarse = self.norm(coarse.flatten(2).transpose(1, 2))
        parts = (self.q(x), *self.kv(coarse).chunk(2, -1))
        q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        found = F.scaled_dot_product_attention(q, k, v)
        return self.proj(found.transpose(1, 2).flatten(2))


class MixFFN(nn.Module):
    """Each place by itself, but for a 3 x 3 look around that tells it where it is."""

    def __init__(self, width: int, ratio: int = 4):
        super().__init__()
        inner = ratio * width
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.dwconv = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Tokens (B, N, C) of a map of `size` -> the same."""
        wide = self.dwconv(self.fc1(x).transpose(1, 2).unflatten(2, size))
        return self.fc2(F.gelu(wide.flatten(2).transpose(1, 2)))


class Block(nn.Module):
    """Attention, then MixFFN, each added to what was there, sometimes left out."""

    def __init__(self, width: int, heads: int, reduction: int, drop: float):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attn, self.mlp = Attention(width, heads, reduction), MixFFN(width)
        self.drop_path = StochasticDepth(drop, mode="row")  # drawn for each sample, in training only

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Tokens (B, N, C) of a map of `size` -> the same."""
        x = x + self.drop_path(self.attn(self.norm1(x), size))
        return x + self.drop_path(self.mlp(self.norm2(x), size))


class Stage(nn.Module):
    """Overlapping patches become tokens, blocks work on them: a smaller, deeper map."""

    def __init__(self, inputs: int, width: int, heads: int, reduction: int, drops: list[float], patch: tuple[int, int]):
        super().__init__()
        self.patch = nn.Conv2d(inputs, width, *patch, padding=patch[0] // 2)
        self.patch_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width, eps=1e-6)
        self.blocks = nn.ModuleList(Block(width, heads, reduction, d) for d in drops)

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, width, H / stride, W / stride)."""
        x = self.patch(image)
        size = x.shape[-2:]
        x = self.patch_norm(x.flatten(2).transpose(1, 2))
        for block in self.blocks:
            x = block(x, size)
        return self.norm(x).transpose(1, 2).unflatten(2, size)


MIT = {  # name: widths and depths of the four stages, stride of the first
    "tiny": ((16, 32, 80, 128), (1, 1, 1, 1), 2),
    "b0": ((32, 64, 160, 256), (2, 2, 2, 2), 4),
    "b1": ((64, 128, 320, 512), (2, 2, 2, 2), 4),
    "b2": ((64, 128, 320, 512), (3, 4, 6, 3), 4),
    "b3": ((64, 128, 320, 512), (3, 4, 18, 3), 4),
}


class MiT(nn.Module):
    """Mix transformer: (B, 3, H, W) -> maps at 1/4 to 1/32; tiny: at 1/2 to 1/16."""

    def __init__(self, name: str = "b3", drop: float = 0.1):
        super().__init__()
        self.widths, depths, stride = MIT[name]
        drops = [drop * i / max(1, sum(depths) - 1) for i in range(sum(depths))]
        self.stages, inputs = nn.ModuleList(), 3
        places = zip(self.widths, depths, (1, 2, 5, 8), (8, 4, 2, 1))
        for number, (width, depth, heads, reduction) in enumerate(places):
            mine, drops = drops[:depth], drops[depth:]
            patch = (3, 2) if number else (7, stride)
            self.stages.append(Stage(inputs, width, heads, reduction, mine, patch))
            inputs = width
        self.apply(gently)

    def forward(self, image: Tensor, stages: int = 4) -> list[Tensor]:
        """The maps of the first `stages` stages, fine to coarse."""
        maps = []
        for stage in self.stages[:stages]:
            maps.append(stage(maps[-1] if maps else image))
        return maps


def normalised(image: Tensor) -> Tensor:
    """Colour (B, 3, H, W) in [0, 1], with ImageNet's mean taken off, in its spread."""
    mean = image.new_tensor([123.675, 116.28, 103.53]).view(3, 1, 1) / 255
    spread = image.new_tensor([58.395, 57.12, 57.375]).view(3, 1, 1) / 255
    return (image - mean) / spread


class Segmenter(nn.Module):
    """SegFormer: colour (B, 3, H, W) in [0, 1] -> logits (B, classes, H, W)."""

    def __init__(self, encoder: MiT, classes: int = 11, width: int = 256):
        super().__init__()
        self.encoder = encoder
        self.project = nn.ModuleList(nn.Conv2d(w, width, 1) for w in encoder.widths)
        self.blend = nn.Conv2d(len(self.project) * width, width, 1, bias=False)
        self.norm, self.drop = nn.BatchNorm2d(width), nn.Dropout2d(0.1)
        self.classify = nn.Conv2d(width, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """All four maps at the finest one's size, blended, classified, enlarged."""
        maps = self.encoder(normalised(image))
        size = maps[0].shape[-2:]
        alike = [project(m) for project, m in zip(self.project, maps)]
        alike = [F.interpolate(m, size=size, mode="bilinear") for m in alike[::-1]]
        blended = F.relu(self.norm(self.blend(torch.cat(alike, dim=1))))
        logits = self.classify(self.drop(blended))
        return F.interpolate(logits, size=image.shape[-2:], mode="bilinear")


def coloured(fused: Tensor, rgb: Tensor) -> Tensor:
    """Fused luma (B, 1, H, W) in the colours of rgb (B, 3, H, W), not cut to [0, 1]."""
    return ycbcr_to_rgb(torch.cat([fused, rgb_to_ycbcr(rgb)[:, 1:]], dim=1))


def fuse(fusion: FusionNet, guide: MiT, rgb: Tensor, ir: Tensor, target: Tensor, passes: int = 2) -> Tensor:
    """rgb (B, 3, H, W), ir and target (B, 1, H, W) -> fused luma (B, 1, H, W).

    In the first pass `guide` looks at the target, in the next at what came of that.
    """
    light, fused = luma(rgb), target
    for number in range(1, passes + 1):
        with torch.no_grad():
            features = guide(normalised(coloured(fused, rgb)), stages=2)
        with torch.set_grad_enabled(torch.is_grad_enabled() and number == passes):
            fused = fusion(light, ir, features)
    return fused
