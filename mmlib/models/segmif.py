"""SegMiF: can two images be fused so that a machine reads them better?

Written by ``make export`` from the cells tagged ``export`` in nbs/07_segmif.ipynb; change them there.
"""

import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.backbones.mit import MiT, init_weights, to_map, to_tokens
from mmlib.backbones.mobilenet import MEAN, STD, MobileNetV2
from mmlib.fusion import rules
from mmlib.fusion.chroma import add_chroma
from mmlib.images import luma

# From the whole to the parts:
# - SegMiF: a FusionNet makes an image of two, and a Segmenter reads it; fuse() runs the FusionNet twice;
# - FusionNet: for each image DRDB, HIA, DRDB, HIA, then three convolutions that merge both;
# - HIA: SoAM and MoAM, which select channels by the table of `selection` and apply it by `attend`;
# - Segmenter: MobileNetEncoder (the paper: MiT, in mmlib/backbones/mit.py) and SegFormer's head.


class DRDB(nn.Module):
    """Dilated residual dense block: (B, width, H, W) -> the same. Each of its `layers` adds `growth` channels."""

    def __init__(self, width: int = 64, growth: int = 32, layers: int = 5):
        super().__init__()
        self.convs = nn.ModuleList()
        for i in range(layers):
            self.convs.append(nn.Conv2d(width + i * growth, growth, kernel_size=3, padding=2, dilation=2))
        self.reduce = nn.Conv2d(width + layers * growth, width, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """What was found, added to `x`."""
        features = x
        for conv in self.convs:
            new = F.relu(conv(features))  # (B, growth, H, W)
            features = torch.cat([features, new], dim=1)  # `growth` channels more
        return x + F.relu(self.reduce(features))


def selection(key: Tensor, value: Tensor, heads: int) -> Tensor:
    """The table G of each head: keys and values (B, N, C) -> (B, heads, d, d), d = C / heads; each column sums to 1."""
    exact = torch.promote_types(key.dtype, torch.float32)  # a sum over all pixels needs more than bfloat16
    with torch.autocast(key.device.type, enabled=False):
        product = key.to(exact).transpose(1, 2) @ value.to(exact)  # (B, C, C), all channels with all others
        blocks = product.unflatten(1, (heads, -1)).unflatten(3, (heads, -1))  # (B, heads, d, heads, d)
        own = blocks.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)  # (B, heads, d, d), each head with itself
        return (own / math.sqrt(own.shape[-1])).softmax(dim=-2)


def attend(query: Tensor, table: Tensor) -> Tensor:
    """Queries (B, N, C), their channels mixed by the table (B, heads, d, d) of each head -> (B, N, C)."""
    same = torch.eye(table.shape[1], device=table.device)
    # One matrix whose blocks on the diagonal are the heads' tables: one product is faster than one for each head.
    mixer = torch.einsum("bhij,hg->bhigj", table, same.to(table.dtype))  # (B, heads, d, heads, d)
    mixer = mixer.flatten(3).flatten(1, 2)  # (B, C, C)
    return query @ mixer.to(query.dtype)


class SoAM(nn.Module):
    """Semantic-oriented attention: the segmenter's features are the query of both images' tables."""

    def __init__(self, width: int = 64, heads: int = 8):
        super().__init__()
        self.heads = heads
        self.kv_ir = nn.Linear(width, 2 * width, bias=False)
        self.kv_vis = nn.Linear(width, 2 * width, bias=False)

    def forward(self, ir: Tensor, vis: Tensor, seg: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C) three times -> the segmenter's channels as each image selects them, (B, N, C) twice."""
        key_ir, value_ir = self.kv_ir(ir).chunk(2, dim=-1)
        key_vis, value_vis = self.kv_vis(vis).chunk(2, dim=-1)
        table_ir = selection(key_ir, value_ir, self.heads)
        table_vis = selection(key_vis, value_vis, self.heads)
        return attend(seg, table_ir), attend(seg, table_vis)


class MoAM(nn.Module):
    """Modality-oriented attention: both images' features are queries of the segmenter's table."""

    def __init__(self, width: int = 64, heads: int = 8):
        super().__init__()
        self.heads = heads
        self.kv_seg = nn.Linear(width, 2 * width, bias=False)

    def forward(self, ir: Tensor, vis: Tensor, seg: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C) three times -> each image's channels as the segmenter selects them, (B, N, C) twice."""
        key_seg, value_seg = self.kv_seg(seg).chunk(2, dim=-1)
        table = selection(key_seg, value_seg, self.heads)
        return attend(ir, table), attend(vis, table)


def embedding(width: int) -> nn.Sequential:
    """Tokens (B, N, width) -> both their embeddings side by side, (B, N, 2 width)."""
    return nn.Sequential(
        nn.Linear(width, 2 * width),
        nn.ReLU(),
    )


class HIA(nn.Module):
    """Hierarchical interactive attention: features of infrared, visible, segmenter -> the first two anew.

    All are (B, width, H, W).  soam, moam: what mixes the two halves of the embeddings.
    """

    def __init__(self, width: int, soam: nn.Module, moam: nn.Module):
        super().__init__()
        self.embed_ir = embedding(width)
        self.embed_vis = embedding(width)
        self.embed_seg = embedding(width)
        self.soam = soam
        self.moam = moam
        self.join_ir = nn.Linear(2 * width, width)
        self.join_vis = nn.Linear(2 * width, width)
        self.norm_ir = nn.LayerNorm(width)
        self.norm_vis = nn.LayerNorm(width)
        self.apply(init_weights)

    def forward(self, feat_ir: Tensor, feat_vis: Tensor, feat_seg: Tensor) -> tuple[Tensor, Tensor]:
        """The features of infrared and visible image, (B, width, H, W) each."""
        size = feat_ir.shape[-2:]
        ir, vis, seg = to_tokens(feat_ir), to_tokens(feat_vis), to_tokens(feat_seg)  # (B, N, width)
        y_ir, u_ir = self.embed_ir(ir).chunk(2, dim=-1)
        y_vis, u_vis = self.embed_vis(vis).chunk(2, dim=-1)
        y_seg, u_seg = self.embed_seg(seg).chunk(2, dim=-1)
        z_ir, z_vis = self.soam(y_ir, y_vis, y_seg)
        v_ir, v_vis = self.moam(u_ir, u_vis, u_seg)
        new_ir = self.norm_ir(ir + self.join_ir(torch.cat([z_ir, v_ir], dim=-1)))
        new_vis = self.norm_vis(vis + self.join_vis(torch.cat([z_vis, v_vis], dim=-1)))
        return to_map(new_ir, size), to_map(new_vis, size)


def hia(width: int = 64) -> HIA:
    """The paper's block: both attentions, in heads of 8 channels."""
    heads = max(1, width // 8)
    return HIA(width, SoAM(width, heads), MoAM(width, heads))


class Concatenation(nn.Module):
    """Rival of HIA: each image's features beside the segmenter's, mixed by a convolution."""

    def __init__(self, width: int):
        super().__init__()
        self.conv_ir = nn.Conv2d(2 * width, width, kernel_size=3, padding=1)
        self.conv_vis = nn.Conv2d(2 * width, width, kernel_size=3, padding=1)

    def forward(self, feat_ir: Tensor, feat_vis: Tensor, feat_seg: Tensor) -> tuple[Tensor, Tensor]:
        """As HIA."""
        new_ir = self.conv_ir(torch.cat([feat_ir, feat_seg], dim=1))
        new_vis = self.conv_vis(torch.cat([feat_vis, feat_seg], dim=1))
        return new_ir, new_vis


class Addition(nn.Module):
    """Rival of HIA: the segmenter's features added to each image's, then a convolution."""

    def __init__(self, width: int):
        super().__init__()
        self.conv_ir = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.conv_vis = nn.Conv2d(width, width, kernel_size=3, padding=1)

    def forward(self, feat_ir: Tensor, feat_vis: Tensor, feat_seg: Tensor) -> tuple[Tensor, Tensor]:
        """As HIA."""
        return self.conv_ir(feat_ir + feat_seg), self.conv_vis(feat_vis + feat_seg)


class Nothing(nn.Module):
    """Stands where SoAM or MoAM stood, and adds nothing."""

    def forward(self, ir: Tensor, vis: Tensor, seg: Tensor) -> tuple[Tensor, Tensor]:
        """Zeros (B, N, C) twice."""
        return torch.zeros_like(ir), torch.zeros_like(vis)


class FusionNet(nn.Module):
    """Visible luma and infrared (B, 1, H, W) and the segmenter's first two maps -> fused luma (B, 1, H, W).

    interaction: HIA or a rival, used twice; None: the segmenter has no say.  seg_channels: of its first two maps.
    """

    def __init__(
        self,
        interaction: nn.Module | None,
        width: int = 64,
        growth: int = 32,
        layers: int = 5,
        seg_channels: tuple[int, int] = (64, 128),
    ):
        super().__init__()
        self.act = nn.PReLU()
        self.stem_ir = nn.Conv2d(1, width, kernel_size=3, padding=1)
        self.stem_vis = nn.Conv2d(1, width, kernel_size=3, padding=1)
        self.drdb1_ir = DRDB(width, growth, layers)
        self.drdb1_vis = DRDB(width, growth, layers)
        self.drdb2_ir = DRDB(width, growth, layers)
        self.drdb2_vis = DRDB(width, growth, layers)
        self.interaction = interaction
        if interaction is not None:
            self.seg1 = nn.Conv2d(seg_channels[0], width, kernel_size=1)
            self.seg2 = nn.Conv2d(seg_channels[1], width, kernel_size=1)
        self.merge1 = nn.Conv2d(2 * width, width, kernel_size=3, padding=1)
        self.merge2 = nn.Conv2d(width, width // 2, kernel_size=3, padding=1)
        self.merge3 = nn.Conv2d(width // 2, 1, kernel_size=3, padding=1)

    def forward(self, vis: Tensor, ir: Tensor, seg_features: list[Tensor] | None = None) -> Tensor:
        """The fused luma, not cut to [0, 1]."""
        feat_ir = self.drdb1_ir(self.act(self.stem_ir(ir)))  # (B, width, H, W)
        feat_vis = self.drdb1_vis(self.act(self.stem_vis(vis)))
        if self.interaction is not None:
            feat_seg = enlarge(self.seg1(seg_features[0]), ir.shape[-2:])
            feat_ir, feat_vis = self.interaction(feat_ir, feat_vis, feat_seg)
        feat_ir = self.drdb2_ir(feat_ir)
        feat_vis = self.drdb2_vis(feat_vis)
        if self.interaction is not None:
            feat_seg = enlarge(self.seg2(seg_features[1]), ir.shape[-2:])
            feat_ir, feat_vis = self.interaction(feat_ir, feat_vis, feat_seg)
        x = torch.cat([feat_ir, feat_vis], dim=1)  # (B, 2 width, H, W)
        x = self.act(self.merge1(x))
        x = self.act(self.merge2(x))
        return self.act(self.merge3(x))


def enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) at the size (H, W), bilinearly."""
    return F.interpolate(maps, size, mode="bilinear")


class MobileNetEncoder(nn.Module):
    """A MobileNetV2 where MiT stands: (B, 3, H, W) -> four maps, at 1/4, 1/8, 1/16 and 1/16 of the size.

    backbone: one that ends at 1/16, such as imagenet_mobilenet(16, MIDDLE). All of it learns.
    """

    channels = (24, 32, 64, 96)

    def __init__(self, backbone: MobileNetV2):
        super().__init__()
        stage1 = backbone.features[:4]
        stage2 = backbone.features[4:7]
        stage3 = backbone.features[7:11]
        stage4 = backbone.features[11:14]
        self.stages = nn.ModuleList([stage1, stage2, stage3, stage4])
        self.requires_grad_(True)

    def forward(self, image: Tensor, stages: int = 4) -> list[Tensor]:
        """The maps of the first `stages` stages, from fine to coarse."""
        maps = []
        x = image
        for stage in self.stages[:stages]:
            x = stage(x)
            maps.append(x)
        return maps


def normalised(image: Tensor) -> Tensor:
    """Colour (B, 3, H, W) in [0, 1] in ImageNet's mean and deviation; a fourth channel in the means of both."""
    mean = torch.tensor(MEAN, device=image.device).view(3, 1, 1)
    std = torch.tensor(STD, device=image.device).view(3, 1, 1)
    colour = (image[:, :3] - mean) / std
    if image.shape[1] == 3:
        return colour
    infrared = (image[:, 3:] - mean.mean()) / std.mean()
    return torch.cat([colour, infrared], dim=1)


class Segmenter(nn.Module):
    """SegFormer's head on an encoder: an image (B, 3, H, W) in [0, 1] -> class scores (B, classes, H, W)."""

    def __init__(self, encoder: MiT | MobileNetEncoder, classes: int = 11, width: int = 256):
        super().__init__()
        c1, c2, c3, c4 = encoder.channels
        self.encoder = encoder
        self.project1 = nn.Conv2d(c1, width, kernel_size=1)
        self.project2 = nn.Conv2d(c2, width, kernel_size=1)
        self.project3 = nn.Conv2d(c3, width, kernel_size=1)
        self.project4 = nn.Conv2d(c4, width, kernel_size=1)
        self.blend = nn.Conv2d(4 * width, width, kernel_size=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout2d(0.1)
        self.classify = nn.Conv2d(width, classes, kernel_size=1)

    def forward(self, image: Tensor) -> Tensor:
        """The scores of every class at every pixel."""
        map1, map2, map3, map4 = self.encoder(normalised(image))
        fine = map1.shape[-2:]
        y1 = self.project1(map1)  # (B, width, H/4, W/4)
        y2 = enlarge(self.project2(map2), fine)
        y3 = enlarge(self.project3(map3), fine)
        y4 = enlarge(self.project4(map4), fine)
        mixed = self.blend(torch.cat([y4, y3, y2, y1], dim=1))  # (B, width, H/4, W/4)
        mixed = self.dropout(F.relu(self.norm(mixed)))
        return enlarge(self.classify(mixed), image.shape[-2:])


def stack_infrared(encoder: nn.Module) -> None:
    """Let an encoder's first convolution read a fourth channel, infrared, as half of each of the three colours."""
    first = next(layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d))
    colours = first.weight.detach() / 2  # (outputs, 3, k, k)
    infrared = colours.sum(dim=1, keepdim=True)  # (outputs, 1, k, k)
    first.weight = nn.Parameter(torch.cat([colours, infrared], dim=1))
    first.in_channels = 4


def fuse(fusion: FusionNet, encoder: nn.Module, rgb: Tensor, ir: Tensor, target: Tensor, passes: int = 2) -> Tensor:
    """rgb (B, 3, H, W), infrared and target (B, 1, H, W), all in [0, 1] -> fused luma (B, 1, H, W), not cut.

    In the first pass the `encoder` looks at the target, in the next at what came out of the first.
    """
    vis = luma(rgb)
    fused = target
    for number in range(1, passes + 1):
        with torch.no_grad():
            seg_features = encoder(normalised(add_chroma(fused, rgb)), stages=2)
        # The gradient goes through the last pass only.
        with torch.set_grad_enabled(torch.is_grad_enabled() and number == passes):
            fused = fusion(vis, ir, seg_features)
    return fused


RULES = {"average": rules.average, "maximum": rules.maximum, "saliency": rules.by_saliency}


def frozen_copy(encoder: nn.Module) -> nn.Module:
    """A copy of an encoder's first two stages that never changes."""
    made = copy.deepcopy(encoder)
    made.stages = made.stages[:2]
    return made.eval().requires_grad_(False)


class SegMiF(nn.Module):
    """Two images -> class scores.

    picture: what the segmenter reads: "fused" by `fusion`; for the rivals "rgb", "ir", "stacked", or a name in RULES.
    passes: of the fusion network; in the last one, the features are those of its own image.
    """

    def __init__(self, segmenter: Segmenter, fusion: FusionNet | None = None, picture: str = "fused", passes: int = 2):
        super().__init__()
        self.segmenter = segmenter
        self.fusion = fusion
        self.picture = picture
        self.passes = passes
        self.guide = frozen_copy(segmenter.encoder)

    def fused_luma(self, rgb: Tensor, ir: Tensor, target: Tensor) -> Tensor:
        """rgb (B, 3, H, W), infrared and target (B, 1, H, W) -> (B, 1, H, W), by the fusion network or a rule."""
        if self.picture == "fused":
            return fuse(self.fusion, self.guide, rgb, ir, target, self.passes).float()
        return RULES[self.picture](luma(rgb), ir)

    def image(self, rgb: Tensor, ir: Tensor, target: Tensor) -> Tensor:
        """What the segmenter reads, (B, 3, H, W), or (B, 4, H, W) if stacked; within [0, 1]."""
        if self.picture == "rgb":
            return rgb
        if self.picture == "ir":
            return ir.expand(-1, 3, -1, -1)
        if self.picture == "stacked":
            return torch.cat([rgb, ir], dim=1)
        return add_chroma(self.fused_luma(rgb, ir, target), rgb).clamp(0, 1)

    def forward(self, rgb: Tensor, ir: Tensor, target: Tensor) -> Tensor:
        """The scores of every class at every pixel, (B, classes, H, W)."""
        return self.segmenter(self.image(rgb, ir, target))
