"""TSJNet: what should a fused picture be good for?

Written by ``make export`` from the cells tagged ``export`` in nbs/08_tsjnet.ipynb; change them there.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from mmlib.layers import conv_norm_act
from mmlib.losses.fusion import edges, ssim


def normed(conv: nn.Conv2d) -> tuple[nn.Module, nn.Module]:
    """A convolution and the batch norm behind it."""
    return conv, nn.BatchNorm2d(conv.out_channels)


def layer(inputs: int, outputs: int, kernel: int = 3, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU: (B, inputs, H, W) -> (B, outputs, H, W)."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups)
    return nn.Sequential(*normed(conv), nn.ReLU())


class SplitAttention(nn.Module):
    """Two readings of (B, C, H, W), each of one half, mixed as the picture asks."""

    def __init__(self, channels: int, radix: int = 2):
        super().__init__()
        self.radix, views, middle = radix, radix * channels, radix * channels // 4
        self.read = layer(channels, views, groups=radix)
        narrow = *normed(nn.Conv2d(channels, middle, 1, bias=False)), nn.ReLU()
        wide = *normed(nn.Conv2d(middle, views, 1, bias=False)), nn.ReLU()
        self.weigh = nn.Sequential(*narrow, *wide)

    def forward(self, x: Tensor) -> Tensor:
        """The mixture, (B, C, H, W)."""
        views = self.read(x).unflatten(1, (self.radix, -1))
        mean = views.sum(dim=1).mean(dim=(2, 3), keepdim=True)
        shares = self.weigh(mean).unflatten(1, (self.radix, -1)).softmax(dim=1)
        return (views * shares).sum(dim=1)


class Bottleneck(nn.Module):
    """Narrow, attend, widen: (B, inputs, H, W) -> (B, 4 planes, H, W)."""

    def __init__(self, inputs: int, planes: int):
        super().__init__()
        wide, conv = 4 * planes, nn.Conv2d(inputs, 4 * planes, 1, bias=False)
        attend = layer(inputs, planes, 1), SplitAttention(planes)
        self.change = nn.Sequential(*attend, *normed(nn.Conv2d(planes, wide, 1)))
        around = nn.Sequential(nn.MaxPool2d(3, 1, 1), *normed(conv))
        self.around = around if inputs != wide else nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        """What the block changes, added to what came in."""
        return self.change(x).add_(self.around(x)).relu_()


def trunk(inputs: int, width: int) -> nn.Sequential:
    """Three layers and two bottlenecks: (B, inputs, H, W) -> (B, 8 width, H, W)."""
    stem = layer(inputs, width), layer(width, width), layer(width, 2 * width)
    blocks = Bottleneck(2 * width, 2 * width), Bottleneck(8 * width, 2 * width)
    return nn.Sequential(*stem, *blocks)


def first(length: int, size: int) -> Tensor:
    """Where each place's window of `size` starts: centred, but never over the edge."""
    return (torch.arange(length) - size // 2).clamp(0, length - size)


def windows(x: Tensor, size: int) -> Tensor:
    """All neighbours: (B, heads, d, H, W) -> (B, heads, d, H, W, size * size)."""
    for axis in (3, 4):
        start = first(x.shape[axis], size).to(x.device)
        x = x.unfold(axis, size, 1).index_select(axis, start)
    return x.flatten(5)


class NeighbourhoodAttention(nn.Module):
    """Every place of (B, H, W, C) looks at the 7 x 7 around it; H, W at least 7."""

    def __init__(self, channels: int, heads: int, size: int = 7):
        super().__init__()
        self.heads, self.size, span = heads, size, 2 * size - 1
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.bias = nn.Parameter(torch.zeros(heads, span, span))
        nn.init.trunc_normal_(self.bias, std=0.02)

    def _place(self, height: int, width: int) -> Tensor:
        steps, sides = torch.arange(self.size), (height, width)
        own = (torch.arange(n) - first(n, self.size) - self.size + 1 for n in sides)
        rows, columns = (steps - place[:, None] for place in own)
        return self.bias[:, rows[:, None, :, None], columns[None, :, None]].flatten(3)

    def forward(self, x: Tensor) -> Tensor:
        """What each place took over from its neighbours, (B, H, W, C)."""
        height, width, channels = x.shape[1:]
        if min(height, width) < self.size:
            raise ValueError(f"{height} x {width} is too small; next: use fewer levels")
        three = self.qkv(x).unflatten(3, (3, self.heads, -1))
        query, key, value = three.permute(3, 0, 4, 5, 1, 2)
        query = query.unsqueeze(-1) * (channels // self.heads) ** -0.5
        near = (query * windows(key, self.size)).sum(dim=2)
        share = (near + self._place(height, width)).softmax(dim=-1).unsqueeze(2)
        taken = (share * windows(value, self.size)).sum(dim=-1)
        return self.out(taken.flatten(1, 2).permute(0, 2, 3, 1))


class NatLayer(nn.Module):
    """Look around, then think; in training skipped for a share `drop` of pictures."""

    def __init__(self, channels: int, heads: int, drop: float):
        super().__init__()
        wide = 3 * channels
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.look = NeighbourhoodAttention(channels, heads)
        think = nn.Linear(channels, wide), nn.GELU(), nn.Linear(wide, channels)
        self.think = nn.Sequential(*think)
        self.drop_path = StochasticDepth(drop, mode="row")  # drawn for each picture

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> the same."""
        x = x + self.drop_path(self.look(self.norms[0](x)))
        return x + self.drop_path(self.think(self.norms[1](x)))


DEPTHS, DROP = (3, 4, 6, 5), 0.2


def nat_levels(sizes: list[int]) -> list[nn.Sequential]:
    """The layers of each level: heads equally wide, drop path growing on the way."""
    depths, levels = DEPTHS[: len(sizes)], []
    drops = [DROP * i / (sum(depths) - 1) for i in range(sum(depths))]
    for number, (size, depth) in enumerate(zip(sizes, depths)):
        mine, drops, heads = drops[:depth], drops[depth:], 2 ** (number + 1)
        levels.append(nn.Sequential(*(NatLayer(size, heads, drop) for drop in mine)))
    return levels


class NatBranch(nn.Module):
    """(B, width, H, W) plus what neighbourhoods add to it at 1/4, 1/8 ... its size."""

    def __init__(self, width: int, levels: int = 4):
        super().__init__()
        sizes, half = [width * 2**i for i in range(levels)], width // 2
        tokens = nn.Conv2d(width, half, 3, 2, 1), nn.Conv2d(half, width, 3, 2, 1)
        smaller = (nn.Conv2d(n, 2 * n, 3, 2, 1, bias=False) for n in sizes[:-1])
        self.norm, self.levels = nn.LayerNorm(width), nn.ModuleList(nat_levels(sizes))
        self.shrink = nn.ModuleList([nn.Sequential(*tokens), *smaller])
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in sizes)
        sides = (sizes[-1], 2 * width), (2 * width, width)
        narrow = [m for a, b in sides for m in (nn.Conv2d(a, b, 3, 1, 1), nn.ReLU6())]
        ups = [4] * ((levels + 1) // 2) + [2] * ((levels + 1) % 2)
        enlarge = (nn.ConvTranspose2d(width, width, up, up, bias=False) for up in ups)
        self.back = nn.Sequential(*narrow, *enlarge, nn.ReLU6())

    def forward(self, x: Tensor) -> Tensor:
        """H and W divisible by 2 ** (levels + 1); the last map at least 7 x 7."""
        seen = self.norm(x.permute(0, 2, 3, 1))
        for shrink, norm, layers in zip(self.shrink, self.norms, self.levels):
            seen = layers(norm(shrink(seen.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)))
        return x + self.back(seen.permute(0, 3, 1, 2))


class Detail(nn.Module):
    """The detail branch, DSM: (B, width, H, W) -> the same; H and W even."""

    def __init__(self, width: int):
        super().__init__()
        self.before, self.after = (conv_norm_act(width, width) for _ in range(2))
        self.corners = nn.Sequential(nn.Conv2d(width, width, 1), nn.ReLU())
        self.end = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(width, width, 1))
        blobs = nn.Conv2d(width, width, 3, 1, 1), nn.LeakyReLU(0.2)
        narrow = nn.Linear(width, width // 2, bias=False), nn.ReLU()
        wide = nn.Linear(width // 2, width, bias=False), nn.Sigmoid()
        self.blobs, self.choose = nn.Sequential(*blobs), nn.Sequential(*narrow, *wide)
        self.enlarge = nn.ConvTranspose2d(width, width, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Fine structure from one path, what stands out from the other."""
        fine = self.before(x)
        fine = self.end(self.after(fine + self.corners(fine)))
        seen = self.blobs(x)
        half = F.max_pool2d(seen, 2) + F.avg_pool2d(seen, 2)
        chosen = self.choose(half.mean(dim=(2, 3)))[:, :, None, None]
        return fine + self.enlarge(half * chosen)


class Gates(nn.Module):
    """Eight groups of channels, each let through where its own map says so."""

    def __init__(self, channels: int, groups: int = 8):
        super().__init__()
        self.groups, self.maps = groups, nn.Conv2d(channels, groups, 1, groups=groups)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Gated features (B, C, H, W), and the maps (B, groups, H, W) in [0, 1]."""
        maps = self.maps(x).sigmoid()
        x = x.unflatten(1, (self.groups, -1)) * maps.unsqueeze(2)
        return x.flatten(1, 2), maps


class Encoder(nn.Module):
    """Grey (B, 1, H, W) -> base and detail (B, width, H / fold, W / fold)."""

    def __init__(self, width: int, levels: int, fold: int, detail: Callable):
        super().__init__()
        start, narrow = 3 * fold**2, (8 * width, 4 * width, 2 * width, width)
        embed = nn.PixelUnshuffle(fold), nn.Conv2d(fold**2, start, 3, 1, 1, bias=False)
        squeeze = (nn.Conv2d(a, b, 3, padding=1) for a, b in zip(narrow, narrow[1:]))
        squeeze = [part for conv in squeeze for part in (conv, nn.ReLU6())]
        self.trunk = nn.Sequential(*embed, trunk(start, width), *squeeze)
        self.base, self.detail = NatBranch(width, levels), detail(width)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Both branches read the same features."""
        features = self.trunk(image)
        return self.base(features), self.detail(features)


class Decoder(nn.Module):
    """Base and detail -> grey (B, 1, H, W) in [0, 1], and the maps of the gates."""

    def __init__(self, width: int, fold: int):
        super().__init__()
        both, few, many = 2 * width, fold * width // 2, 4 * width
        self.gates, self.reduce = Gates(both), nn.Conv2d(both, few, 1, bias=False)
        self.trunk = trunk(few, width)
        ends = nn.Conv2d(2 * many, many, 3, 1, 1, bias=False), nn.LeakyReLU(0.01)
        last = nn.Conv2d(many, fold**2, 3, 1, 1, bias=False), nn.PixelShuffle(fold)
        self.paint = nn.Sequential(*ends, *last, nn.Sigmoid())

    def forward(self, base: Tensor, detail: Tensor) -> tuple[Tensor, Tensor]:
        """Gate, reduce, and paint."""
        features, maps = self.gates(torch.cat([base, detail], dim=1))
        return self.paint(self.trunk(self.reduce(features))), maps


class TSJNet(nn.Module):
    """Luma and infrared (B, 1, H, W) to one; sides 7 or more times `multiple`."""

    def __init__(self, width: int = 64, levels: int = 4, fold: int = 1, detail: Callable = Detail):
        super().__init__()
        self.multiple = fold * 2 ** (levels + 1)
        self.encoder = Encoder(width, levels, fold, detail)
        self.fuse_base, self.fuse_detail = NatBranch(width, levels), detail(width)
        self.decoder = Decoder(width, fold)

    def forward(self, visible: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
        """The fused image (B, 1, H, W), and the gates (B, 8, H / fold, W / fold)."""
        base, detail = zip(self.encoder(visible), self.encoder(ir))
        return self.decoder(self.fuse_base(sum(base)), self.fuse_detail(sum(detail)))

    def rebuild(self, visible: Tensor, ir: Tensor) -> dict[str, Tensor]:
        """For training: fused, gates, and each sense painted again, `visible`, `ir`."""
        alone = base, detail = self.encoder(torch.cat([visible, ir]))
        base, detail = sum(base.chunk(2)), sum(detail.chunk(2))
        both = self.fuse_base(base), self.fuse_detail(detail)
        images, gates = self.decoder(*(torch.cat(pair) for pair in zip(both, alone)))
        fused, seen, felt = images.chunk(3)
        return {"fused": fused, "visible": seen, "ir": felt, "gates": gates.chunk(3)[0]}


@torch.no_grad()
def fuse(net: TSJNet, visible: Tensor, ir: Tensor) -> Tensor:
    """Fuse images of any size: continue their edges as needed, then cut the result."""
    (height, width), n = visible.shape[-2:], net.multiple
    tall, wide = (max(7 * n, side + -side % n) for side in (height, width))
    room = 0, wide - width, 0, tall - height
    padded = (F.pad(image, room, mode="replicate") for image in (visible, ir))
    return net(*padded)[0][..., :height, :width]


def likeness(fused: Tensor, visible: Tensor, ir: Tensor) -> Tensor:
    """SSIM with each source, weighed by its share of the edges: a scalar, at most 1."""
    seen, felt = (edges(image).mean(dim=(1, 2, 3)) for image in (visible, ir))
    share = seen / (seen + felt).clamp(min=1e-6)
    return (share * ssim(fused, visible) + (1 - share) * ssim(fused, ir)).mean()


def fusion_losses(out: dict, visible: Tensor, ir: Tensor) -> dict[str, Tensor]:
    """The terms of L_MFF, with their factors, for what `TSJNet.rebuild` gave."""
    fused, gates = out["fused"].float(), out["gates"].float()
    return {
        "grey": 20 * F.l1_loss(fused, torch.maximum(visible, ir)),
        "edges": 20 * F.l1_loss(edges(fused), torch.maximum(edges(visible), edges(ir))),
        "structure": 10 * (1 - likeness(fused, visible, ir)),
        "gates": 0.1 * ((1 - gates.amax(dim=1)).mean() + gates.mean()),
        "visible again": 6 * F.mse_loss(out["visible"].float(), visible),
        "ir again": F.mse_loss(out["ir"].float(), ir),
    }
