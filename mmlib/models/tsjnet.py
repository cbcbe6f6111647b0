"""TSJNet: can a detector teach what a fused image should show?

Written by ``make export`` from the cells tagged ``export`` in nbs/08_tsjnet.ipynb; change them there.
"""

from collections.abc import Callable
from math import ceil

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from mmlib.layers import conv_norm_act
from mmlib.losses.fusion import edges, ssim

# From the whole to the parts:
# - TSJNet: one Encoder for both images, the fusion of their features, a Decoder;
# - Encoder: a trunk of Bottlenecks with SplitAttention, then two branches side by side: NATBranch and DetailBranch;
# - NATBranch: NATLevels of NATBlocks, that is, neighbourhood attention at several sizes;
# - Decoder: SpatialGates, another trunk, a head;
# - CorrectedMaximum, last in the file, is ours.


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 3, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU: (B, inputs, H, W) -> (B, outputs, H, W)."""
    return nn.Sequential(
        # The batch norm removes this bias again. It stays, so that the released
        # network's parameters can be counted one by one.
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class SplitAttention(nn.Module):
    """ResNeSt's split attention: `radix` feature maps, mixed channel by channel.

    (B, C, H, W) -> (B, C, H, W), nowhere negative.
    """

    def __init__(self, channels: int, radix: int = 2, reduction: int = 4):
        super().__init__()
        self.radix = radix
        hidden = radix * channels // reduction
        self.split = conv_bn_relu(channels, radix * channels, kernel=3, groups=radix)
        self.attn = nn.Sequential(
            nn.Conv2d(channels, hidden, kernel_size=1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, radix * channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(radix * channels),
            nn.ReLU(),  # as released; two negative scores become two equal shares
        )

    def forward(self, x: Tensor) -> Tensor:
        """The mixture of the splits, (B, C, H, W)."""
        splits = self.split(x).unflatten(1, (self.radix, -1))  # (B, radix, C, H, W)
        context = splits.sum(dim=1).mean(dim=(2, 3), keepdim=True)  # (B, C, 1, 1)
        scores = self.attn(context).unflatten(1, (self.radix, -1))  # (B, radix, C, 1, 1)
        weights = scores.softmax(dim=1)
        return (weights * splits).sum(dim=1)  # (B, C, H, W)


class Bottleneck(nn.Module):
    """ResNeSt's bottleneck at stride 1: (B, inputs, H, W) -> (B, 4 planes, H, W)."""

    def __init__(self, inputs: int, planes: int):
        super().__init__()
        outputs = 4 * planes
        self.residual = nn.Sequential(
            conv_bn_relu(inputs, planes, kernel=1),
            SplitAttention(planes),
            nn.Conv2d(planes, outputs, kernel_size=1),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
                nn.Conv2d(inputs, outputs, kernel_size=1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        """The residual added to the shortcut, then ReLU."""
        out = self.residual(x)
        out += self.shortcut(x)  # in place, because these are the largest maps
        return F.relu(out, inplace=True)


def trunk(inputs: int, width: int) -> nn.Sequential:
    """Three layers and two bottlenecks: (B, inputs, H, W) -> (B, 8 width, H, W)."""
    return nn.Sequential(
        conv_bn_relu(inputs, width),
        conv_bn_relu(width, width),
        conv_bn_relu(width, 2 * width),
        Bottleneck(2 * width, 2 * width),
        Bottleneck(8 * width, 2 * width),
    )


def window_start(length: int, size: int) -> Tensor:
    """The first row (or column) of the window around each of `length`: (length,)."""
    centred = torch.arange(length) - size // 2
    return centred.clamp(0, length - size)


def gather_windows(x: Tensor, size: int) -> Tensor:
    """All neighbours: (B, heads, d, H, W) -> (B, heads, d, H, W, size * size)."""
    height, width = x.shape[3:]
    top = window_start(height, size).to(x.device)  # (H,)
    left = window_start(width, size).to(x.device)  # (W,)
    x = x.unfold(3, size, 1)  # (B, heads, d, H - size + 1, W, size)
    x = x.index_select(3, top)  # (B, heads, d, H, W, size)
    x = x.unfold(4, size, 1)  # (B, heads, d, H, W - size + 1, size, size)
    x = x.index_select(4, left)  # (B, heads, d, H, W, size, size)
    return x.flatten(5)


class NeighbourhoodAttention(nn.Module):
    """Each pixel attends to the 7 x 7 pixels around it: (B, H, W, C) -> (B, H, W, C).

    ValueError if H or W is smaller than the window.
    """

    def __init__(self, channels: int, heads: int, size: int = 7):
        super().__init__()
        self.heads = heads
        self.size = size
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        # Offsets run from -(size - 1) to size - 1, because a window may be off centre.
        offsets = 2 * size - 1
        self.relative_bias = nn.Parameter(torch.zeros(heads, offsets, offsets))
        nn.init.trunc_normal_(self.relative_bias, std=0.02)

    def position_bias(self, height: int, width: int) -> Tensor:
        """The bias of each pixel's neighbours: (heads, H, W, size * size)."""
        steps = torch.arange(self.size)
        rows = window_start(height, self.size)[:, None] + steps  # (H, size), neighbours
        columns = window_start(width, self.size)[:, None] + steps  # (W, size)
        down = rows - torch.arange(height)[:, None] + self.size - 1  # offset 0 is in the middle
        across = columns - torch.arange(width)[:, None] + self.size - 1
        bias = self.relative_bias[:, down[:, None, :, None], across[None, :, None, :]]  # (heads, H, W, size, size)
        return bias.flatten(3)

    def forward(self, x: Tensor) -> Tensor:
        """Each pixel's weighted mean of its neighbours' values, projected."""
        height, width, channels = x.shape[1:]
        if min(height, width) < self.size:
            raise ValueError(
                f"expected a map of {self.size} x {self.size} or more; {height} x {width} is too small; "
                "next: use fewer levels or a larger picture"
            )
        qkv = self.qkv(x).unflatten(3, (3, self.heads, -1))  # (B, H, W, 3, heads, d)
        query, key, value = qkv.permute(3, 0, 4, 5, 1, 2)  # (B, heads, d, H, W) each
        query = query * (channels // self.heads) ** -0.5
        near_keys = gather_windows(key, self.size)  # (B, heads, d, H, W, 49)
        scores = (query.unsqueeze(-1) * near_keys).sum(dim=2)  # (B, heads, H, W, 49)
        scores = scores + self.position_bias(height, width)
        weights = scores.softmax(dim=-1).unsqueeze(2)  # (B, heads, 1, H, W, 49)
        near_values = gather_windows(value, self.size)  # (B, heads, d, H, W, 49)
        out = (weights * near_values).sum(dim=-1)  # (B, heads, d, H, W)
        out = out.flatten(1, 2).permute(0, 2, 3, 1)  # (B, H, W, C)
        return self.proj(out)


class NATBlock(nn.Module):
    """Neighbourhood attention, then an MLP, each beside a shortcut: (B, H, W, C) -> the same.

    drop_path: the share of pictures for which either is skipped in training.
    """

    def __init__(self, channels: int, heads: int, drop_path: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn = NeighbourhoodAttention(channels, heads)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, 3 * channels),
            nn.GELU(),
            nn.Linear(3 * channels, channels),
        )
        self.drop_path = StochasticDepth(drop_path, mode="row")  # drawn for each picture

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, C)."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        x = x + self.drop_path(self.mlp(self.norm2(x)))
        return x


class NATLevel(nn.Module):
    """Downsampling, then one block per entry of `drop_paths`.

    (B, C, H, W) -> (B, channels, h, w), where `downsample` decides about h and w.
    """

    def __init__(self, downsample: nn.Module, channels: int, heads: int, drop_paths: list[float]):
        super().__init__()
        self.downsample = downsample
        self.norm = nn.LayerNorm(channels)
        self.blocks = nn.ModuleList([NATBlock(channels, heads, drop_path) for drop_path in drop_paths])

    def forward(self, x: Tensor) -> Tensor:
        """The features of this level, (B, channels, h, w)."""
        x = self.downsample(x)  # (B, channels, h, w)
        x = self.norm(x.permute(0, 2, 3, 1))  # (B, h, w, channels), as linear layers want it
        for block in self.blocks:
            x = block(x)
        return x.permute(0, 3, 1, 2)  # (B, channels, h, w)


DEPTHS = (3, 4, 6, 5)  # blocks per level
DROP_PATH = 0.2  # of the last block; it grows linearly from 0 at the first
UPSAMPLING = {1: (4,), 2: (4, 2), 3: (4, 4), 4: (4, 4, 2)}  # levels: factors back to full size


class NATBranch(nn.Module):
    """The base branch: attention at 1/4, 1/8 ... of the size, added to its input.

    (B, width, H, W) -> the same; H and W are divisible by 2 ** (levels + 1), and at least
    7 * 2 ** (levels + 1). ValueError for anything but 1 to 4 levels.
    """

    def __init__(self, width: int, levels: int = 4):
        super().__init__()
        if levels not in UPSAMPLING:
            raise ValueError(f"expected 1 to 4 levels, got {levels}; next: choose one of {list(UPSAMPLING)}")
        depths = DEPTHS[:levels]
        blocks = sum(depths)
        drop_paths = [DROP_PATH * i / (blocks - 1) for i in range(blocks)]
        self.norm = nn.LayerNorm(width)
        tokenizer = nn.Sequential(  # 4 x 4 pixels become one token
            nn.Conv2d(width, width // 2, kernel_size=3, stride=2, padding=1),
            nn.Conv2d(width // 2, width, kernel_size=3, stride=2, padding=1),
        )
        channels, heads = width, 2  # both double from level to level, so a head's width stays
        self.levels = nn.ModuleList([NATLevel(tokenizer, channels, heads, drop_paths[: depths[0]])])
        for level in range(1, levels):
            downsample = nn.Conv2d(channels, 2 * channels, kernel_size=3, stride=2, padding=1, bias=False)
            channels, heads = 2 * channels, 2 * heads
            start = sum(depths[:level])
            level_drop_paths = drop_paths[start : start + depths[level]]
            self.levels.append(NATLevel(downsample, channels, heads, level_drop_paths))
        self.reduce = nn.Sequential(
            nn.Conv2d(channels, 2 * width, kernel_size=3, padding=1),
            nn.ReLU6(),
            nn.Conv2d(2 * width, width, kernel_size=3, padding=1),
            nn.ReLU6(),
        )
        self.upsample = nn.Sequential()
        for factor in UPSAMPLING[levels]:
            self.upsample.append(nn.ConvTranspose2d(width, width, factor, stride=factor, bias=False))
        # As released. Where all its inputs are negative, the branch adds 0 and gets no
        # gradient, so it can die in training.
        self.upsample.append(nn.ReLU6())

    def forward(self, x: Tensor) -> Tensor:
        """The input and what its neighbourhoods add, (B, width, H, W)."""
        tokens = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # (B, width, H, W)
        for level in self.levels:
            tokens = level(tokens)  # (B, width, H/4, W/4), (B, 2 width, H/8, W/8) ...
        tokens = self.reduce(tokens)  # (B, width, h, w)
        return x + self.upsample(tokens)


class DetailBranch(nn.Module):
    """The detail branch, the paper's DSM: (B, width, H, W) -> the same; H and W even."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = conv_norm_act(width, width)
        # The released code multiplies by a mask of Harris corners here, but that line is
        # commented out. What is left is a 1 x 1 convolution.
        self.conv1x1 = nn.Sequential(nn.Conv2d(width, width, kernel_size=1), nn.ReLU())
        self.conv2 = conv_norm_act(width, width)
        self.project = nn.Sequential(
            nn.Dropout2d(0.1),
            nn.Conv2d(width, width, kernel_size=1),
        )
        self.salient = nn.Sequential(
            nn.Conv2d(width, width, kernel_size=3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.channel_attention = nn.Sequential(  # squeeze and excitation
            nn.Linear(width, width // 2, bias=False),
            nn.ReLU(),
            nn.Linear(width // 2, width, bias=False),
            nn.Sigmoid(),
        )
        self.upsample = nn.ConvTranspose2d(width, width, kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Fine structure from the first path, what stands out from the second."""
        fine = self.conv1(x)  # (B, width, H, W)
        fine = fine + self.conv1x1(fine)
        fine = self.project(self.conv2(fine))

        salient = self.salient(x)  # (B, width, H, W)
        salient = F.max_pool2d(salient, 2) + F.avg_pool2d(salient, 2)  # (B, width, H/2, W/2)
        context = salient.mean(dim=(2, 3))  # (B, width)
        weights = self.channel_attention(context)  # (B, width)
        salient = salient * weights[:, :, None, None]
        return fine + self.upsample(salient)  # (B, width, H, W)


class SpatialGates(nn.Module):
    """Data-agnostic spatial attention: groups of channels, each multiplied by its own map."""

    def __init__(self, channels: int, groups: int = 8):
        super().__init__()
        self.groups = groups
        # Each group of channels gives one score per pixel, and sees no other group.
        self.score = nn.Conv2d(channels, groups, kernel_size=1, groups=groups)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Gated features (B, C, H, W), and the gates (B, groups, H, W) in [0, 1]."""
        gates = self.score(x).sigmoid()  # (B, groups, H, W)
        grouped = x.unflatten(1, (self.groups, -1))  # (B, groups, C / groups, H, W)
        gated = grouped * gates.unsqueeze(2)
        return gated.flatten(1, 2), gates


class Encoder(nn.Module):
    """Grey (B, 1, H, W) -> base and detail features (B, width, H/s, W/s).

    pixel_unshuffle: s above; 1 in the paper.  base, detail: the two branches, (B, width, H/s, W/s) -> the same.
    """

    def __init__(self, width: int, pixel_unshuffle: int, base: nn.Module, detail: nn.Module):
        super().__init__()
        pixels = pixel_unshuffle**2  # that share one place of the features
        self.embed = nn.Sequential(
            nn.PixelUnshuffle(pixel_unshuffle),
            nn.Conv2d(pixels, 3 * pixels, kernel_size=3, padding=1, bias=False),
        )
        self.trunk = trunk(3 * pixels, width)
        self.reduce = nn.Sequential(
            nn.Conv2d(8 * width, 4 * width, kernel_size=3, padding=1),
            nn.ReLU6(),
            nn.Conv2d(4 * width, 2 * width, kernel_size=3, padding=1),
            nn.ReLU6(),
            nn.Conv2d(2 * width, width, kernel_size=3, padding=1),
            nn.ReLU6(),
        )
        self.base = base
        self.detail = detail

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Base and detail; both branches read the same features."""
        x = self.embed(image)  # (B, 3 s^2, H/s, W/s)
        x = self.trunk(x)  # (B, 8 width, H/s, W/s)
        x = self.reduce(x)  # (B, width, H/s, W/s)
        return self.base(x), self.detail(x)


class Decoder(nn.Module):
    """Base and detail (B, width, H/s, W/s) -> grey (B, 1, H, W) in [0, 1], and the gates."""

    def __init__(self, width: int, pixel_unshuffle: int):
        super().__init__()
        # The narrowest layer grows with s, because each of its places holds s^2 pixels.
        narrow = pixel_unshuffle * width // 2
        self.gates = SpatialGates(2 * width)
        self.reduce = nn.Conv2d(2 * width, narrow, kernel_size=1, bias=False)
        self.trunk = trunk(narrow, width)
        self.head = nn.Sequential(
            nn.Conv2d(8 * width, 4 * width, kernel_size=3, padding=1, bias=False),
            nn.LeakyReLU(0.01),
            nn.Conv2d(4 * width, pixel_unshuffle**2, kernel_size=3, padding=1, bias=False),
            nn.PixelShuffle(pixel_unshuffle),
            nn.Sigmoid(),
        )

    def features(self, base: Tensor, detail: Tensor) -> tuple[Tensor, Tensor]:
        """What the image is made from (B, 8 width, H/s, W/s), and the gates (B, 8, H/s, W/s)."""
        x = torch.cat([base, detail], dim=1)  # (B, 2 width, H/s, W/s)
        x, gates = self.gates(x)
        x = self.reduce(x)  # (B, s width / 2, H/s, W/s)
        return self.trunk(x), gates

    def forward(self, base: Tensor, detail: Tensor) -> tuple[Tensor, Tensor]:
        """The image (B, 1, H, W), and the gates (B, 8, H/s, W/s)."""
        x, gates = self.features(base, detail)
        return self.head(x), gates


class TSJNet(nn.Module):
    """Luma and infrared (B, 1, H, W) -> one image; sides are 7 or more times `multiple`.

    width, levels, pixel_unshuffle: 64, 4 and 1 in the paper.
    base, detail: what makes a branch of a width (and of some levels); each is made twice.
    """

    def __init__(
        self,
        width: int = 64,
        levels: int = 4,
        pixel_unshuffle: int = 1,
        detail: Callable[[int], nn.Module] = DetailBranch,
        base: Callable[[int, int], nn.Module] = NATBranch,
    ):
        super().__init__()
        self.width = width
        self.pixel_unshuffle = pixel_unshuffle
        self.multiple = pixel_unshuffle * 2 ** (levels + 1)
        self.encoder = Encoder(width, pixel_unshuffle, base(width, levels), detail(width))
        self.fuse_base = base(width, levels)
        self.fuse_detail = detail(width)
        self.decoder = Decoder(width, pixel_unshuffle)

    def features(self, vis: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
        """What the fused image is made from (B, 8 width, H/s, W/s), and its gates (B, 8, H/s, W/s)."""
        base_vis, detail_vis = self.encoder(vis)
        base_ir, detail_ir = self.encoder(ir)
        base = self.fuse_base(base_vis + base_ir)
        detail = self.fuse_detail(detail_vis + detail_ir)
        return self.decoder.features(base, detail)

    def forward(self, vis: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
        """The fused image (B, 1, H, W), and its gates (B, 8, H/s, W/s)."""
        x, gates = self.features(vis, ir)
        return self.decoder.head(x), gates

    def reconstruct(self, vis: Tensor, ir: Tensor) -> dict[str, Tensor]:
        """For training: `fused`, its `features` and `gates`, and both inputs decoded alone, `vis` and `ir`."""
        # One call for both inputs, because at test time they share one running mean.
        base, detail = self.encoder(torch.cat([vis, ir]))  # (2B, width, H/s, W/s) each
        base_vis, base_ir = base.chunk(2)
        detail_vis, detail_ir = detail.chunk(2)
        base_fused = self.fuse_base(base_vis + base_ir)
        detail_fused = self.fuse_detail(detail_vis + detail_ir)
        x, gates = self.decoder.features(
            torch.cat([base_fused, base_vis, base_ir]),
            torch.cat([detail_fused, detail_vis, detail_ir]),
        )  # (3B, 8 width, H/s, W/s), (3B, 8, H/s, W/s)
        fused, decoded_vis, decoded_ir = self.decoder.head(x).chunk(3)  # (B, 1, H, W) each
        x_fused, _, _ = x.chunk(3)
        gates_fused, _, _ = gates.chunk(3)
        return {"fused": fused, "features": x_fused, "gates": gates_fused, "vis": decoded_vis, "ir": decoded_ir}


@torch.no_grad()
def fuse(net: nn.Module, vis: Tensor, ir: Tensor) -> Tensor:
    """Fuse images (B, 1, H, W) of any size: pad right and below, fuse, crop, cut to [0, 1]."""
    height, width = vis.shape[-2:]
    smallest = 7 * net.multiple
    padded_height = max(smallest, ceil(height / net.multiple) * net.multiple)
    padded_width = max(smallest, ceil(width / net.multiple) * net.multiple)
    padding = (0, padded_width - width, 0, padded_height - height)  # left, right, top, bottom
    vis = F.pad(vis, padding, mode="replicate")
    ir = F.pad(ir, padding, mode="replicate")
    fused, _ = net(vis, ir)
    return fused[..., :height, :width].float().clamp(0, 1)


def weighted_ssim(fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """SSIM with each source, weighted by its share of the edges: a scalar, at most 1."""
    strength_vis = edges(vis).mean(dim=(1, 2, 3))  # (B,)
    strength_ir = edges(ir).mean(dim=(1, 2, 3))
    total = (strength_vis + strength_ir).clamp(min=1e-6)  # two flat images have no edges
    weight_vis = strength_vis / total
    weight_ir = 1 - weight_vis
    return (weight_vis * ssim(fused, vis) + weight_ir * ssim(fused, ir)).mean()


def fusion_losses(out: dict[str, Tensor], vis: Tensor, ir: Tensor, target: Tensor | None = None) -> dict[str, Tensor]:
    """The terms of L_MFF, with their factors, for what `TSJNet.reconstruct` gave.

    target: of the grey term, (B, 1, H, W); None: max(V, I), as in the paper.
    """
    fused = out["fused"].float()
    gates = out["gates"].float()
    brightest = torch.maximum(vis, ir) if target is None else target
    sharpest = torch.maximum(edges(vis), edges(ir))
    one_open = (1 - gates.amax(dim=1)).mean()  # at each pixel one gate should be open ...
    mostly_closed = gates.mean()  # ... and the others closed
    return {
        "grey": 20 * F.l1_loss(fused, brightest),
        "edges": 20 * F.l1_loss(edges(fused), sharpest),
        "structure": 10 * (1 - weighted_ssim(fused, vis, ir)),
        "gates": 0.1 * (one_open + mostly_closed),
        "reconstruction, vis": 6 * F.mse_loss(out["vis"].float(), vis),
        "reconstruction, ir": F.mse_loss(out["ir"].float(), ir),
    }


class CorrectedMaximum(nn.Module):
    """Ours, not the paper's: max(V, I) plus a correction from -0.5 to 0.5, made from a TSJNet's last features."""

    def __init__(self, net: TSJNet):
        super().__init__()
        self.net = net
        self.multiple = net.multiple
        last = nn.Conv2d(8 * net.width, net.pixel_unshuffle**2, kernel_size=3, padding=1, bias=False)
        nn.init.zeros_(last.weight)  # the first correction is 0
        self.correction = nn.Sequential(last, nn.PixelShuffle(net.pixel_unshuffle), nn.Tanh())

    def corrected(self, vis: Tensor, ir: Tensor, features: Tensor) -> Tensor:
        """The fused image (B, 1, H, W), not cut to [0, 1]."""
        return torch.maximum(vis, ir) + 0.5 * self.correction(features)

    def forward(self, vis: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
        """The fused image (B, 1, H, W), not cut to [0, 1], and the gates."""
        features, gates = self.net.features(vis, ir)
        return self.corrected(vis, ir, features), gates

    def reconstruct(self, vis: Tensor, ir: Tensor) -> dict[str, Tensor]:
        """As TSJNet's; the inputs are decoded without the skip."""
        out = self.net.reconstruct(vis, ir)
        return out | {"fused": self.corrected(vis, ir, out["features"])}
