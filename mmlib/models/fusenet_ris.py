"""FuseNet-RIS: can you tell a network what to look for?

Written by ``make export`` from the cells tagged ``export`` in nbs/09_fusenet_ris.ipynb; change them there.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmlib.backbones.mobilenet import MobileNetV2
from mmlib.backbones.pyramid import ASPP
from mmlib.layers import conv_norm_act
from mmlib.losses import in_float32
from mmlib.text import Vocabulary

# From the whole to the parts:
# - FuseNetRIS: a TextEncoder, an encoder of pictures, Fusion, Localization, MaskModule;
# - the encoder: SegNetEncoder (the paper's) or MobileNetEncoder, perhaps with TopDown;
# - Fusion: a Gate lets the sentence open and close channels; Localization: a transformer; MaskModule: ASPP and up.
# The notebook puts them together, because its variants swap the parts.


LONGEST = 20  # words in a phrase
LEXICON = """the all in on and that moves left right largest smallest nearest farthest warmest coldest
    road sidewalk building buildings wall fence sign signs poles plants vegetation sky
    person people rider riders car cars black white grey red blue green yellow orange purple"""
STREET = Vocabulary.of([LEXICON])


def encode(texts: list[str], vocabulary: Vocabulary = STREET, unknown: str = "error") -> tuple[Tensor, Tensor]:
    """Phrases -> tokens (N, LONGEST) int64, and which of them are words (N, LONGEST) bool.

    ValueError for a phrase without words, with more than LONGEST, or with a word that the vocabulary lacks; with
    unknown="unk" such a word is read as <unk>.
    """
    return vocabulary.encode(texts, LONGEST, unknown)


class TextEncoder(nn.Module):
    """Tokens and which are words, (N, T) each -> word vectors (N, T, 2 hidden), sentence vectors (N, 2 hidden).

    vectors: what the table of words starts from, (words, size).
    """

    def __init__(self, vectors: Tensor, hidden: int = 256):
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=0)
        self.lstm = nn.LSTM(vectors.shape[1], hidden, batch_first=True, bidirectional=True)

    def forward(self, tokens: Tensor, is_word: Tensor) -> tuple[Tensor, Tensor]:
        """Equations 1 to 4."""
        lengths = is_word.sum(dim=1)
        x = self.embedding(tokens)  # (N, T, size)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        packed_h, _ = self.lstm(packed)
        h, _ = pad_packed_sequence(packed_h, batch_first=True, total_length=tokens.shape[1])
        sentence = h.sum(dim=1) / lengths[:, None]  # padding is 0
        return h, sentence


VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class SegNetEncoder(nn.Module):
    """Pictures (B, 3, H, W) -> the maps after the last three poolings: F_v1, F_v2 and F_v3, each half as fine.

    widths: for each stage, the channels of its convolutions.
    """

    def __init__(self, widths: tuple[tuple[int, ...], ...] = VGG16):
        super().__init__()
        self.channels = tuple(stage[-1] for stage in widths[-3:])
        self.stages = nn.ModuleList()
        inputs = 3
        for stage in widths:
            layers = []
            for outputs in stage:
                layers.append(nn.Conv2d(inputs, outputs, kernel_size=3, padding=1))
                layers.append(nn.BatchNorm2d(outputs))
                layers.append(nn.ReLU())
                inputs = outputs
            self.stages.append(nn.Sequential(*layers))

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """F_v1, F_v2 and F_v3."""
        maps = []
        x = rgb
        for stage in self.stages:
            x = F.max_pool2d(stage(x), 2)
            maps.append(x)
        return maps[-3], maps[-2], maps[-1]


class MobileNetEncoder(nn.Module):
    """RGB (B, 3, H, W) in [0, 1] -> features at 1/4, 1/8 and 1/16 of the size, as F_v1, F_v2 and F_v3.

    backbone: a MobileNetV2 that ends at 1/16, such as imagenet_mobilenet(16, MIDDLE). Its stage at 1/4 stays frozen.
    """

    channels = (24, 32, 96)

    def __init__(self, backbone: MobileNetV2):
        super().__init__()
        self.register_buffer("mean", backbone.mean, persistent=False)
        self.register_buffer("std", backbone.std, persistent=False)
        self.stage1 = backbone.features[:4].requires_grad_(False)
        self.stage2 = backbone.features[4:7].requires_grad_(True)
        self.stage3 = backbone.features[7:14].requires_grad_(True)

    def train(self, mode: bool = True) -> "MobileNetEncoder":
        """The norms of the frozen stage keep ImageNet's statistics."""
        super().train(mode)
        self.stage1.eval()
        return self

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """F_v1, F_v2 and F_v3."""
        v1 = self.stage1((rgb - self.mean) / self.std)  # (B, 24, H/4, W/4)
        v2 = self.stage2(v1)  # (B, 32, H/8, W/8)
        v3 = self.stage3(v2)  # (B, 96, H/16, W/16)
        return v1, v2, v3


class TopDown(nn.Module):
    """An encoder whose finest map knows what the coarser ones know: RGB -> F_v1 (`width` channels), F_v2, F_v3."""

    def __init__(self, encoder: nn.Module, width: int = 64):
        super().__init__()
        inputs1, inputs2, inputs3 = encoder.channels
        self.channels = (width, inputs2, inputs3)
        self.encoder = encoder
        self.reduce3 = conv_norm_act(inputs3, width)
        self.reduce2 = conv_norm_act(inputs2, width // 2, kernel=1)
        self.reduce1 = conv_norm_act(inputs1, width // 2, kernel=1)
        self.join2 = conv_norm_act(width + width // 2, width)
        self.join1 = conv_norm_act(width + width // 2, width)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """F_v1, F_v2 and F_v3."""
        v1, v2, v3 = self.encoder(rgb)
        x = F.interpolate(self.reduce3(v3), v2.shape[-2:], mode="bilinear")
        x = self.join2(torch.cat([x, self.reduce2(v2)], dim=1))
        x = F.interpolate(x, v1.shape[-2:], mode="bilinear")
        x = self.join1(torch.cat([x, self.reduce1(v1)], dim=1))
        return x, v2, v3


class Gate(nn.Module):
    """A factor between -1 and 1 for each channel, tanh(W q): sentence vectors (N, S) -> (N, d, 1, 1)."""

    def __init__(self, sentence: int, d: int):
        super().__init__()
        self.linear = nn.Linear(sentence, d)
        nn.init.orthogonal_(self.linear.weight, gain=4.0)  # with small weights no phrase would open anything at first

    def forward(self, sentence: Tensor) -> Tensor:
        """The factors."""
        return torch.tanh(self.linear(sentence))[..., None, None]


class OpenGate(nn.Module):
    """A factor between 0 and 2 for each channel, at first 1: 1 + tanh(W q); sentence vectors (N, S) -> (N, d, 1, 1)."""

    def __init__(self, sentence: int, d: int):
        super().__init__()
        self.linear = nn.Linear(sentence, d)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, sentence: Tensor) -> Tensor:
        """The factors."""
        return 1 + torch.tanh(self.linear(sentence))[..., None, None]


class NoGate(nn.Module):
    """Lets everything pass: the factor 1."""

    def forward(self, sentence: Tensor) -> Tensor:
        """One factor for all, a scalar."""
        return sentence.new_ones(())


def coordinates(height: int, width: int) -> Tensor:
    """Left, top, right, bottom and middle (x, y) of each place in [-1, 1], and 1/W, 1/H: (8, H, W)."""
    y = torch.arange(height) * 2 / height - 1
    x = torch.arange(width) * 2 / width - 1
    top, left = torch.meshgrid(y, x, indexing="ij")
    w = torch.full_like(left, 1 / width)
    h = torch.full_like(top, 1 / height)
    return torch.stack([left, top, left + 2 * w, top + 2 * h, left + w, top + h, w, h])


def conv1x1(inputs: int, outputs: int) -> nn.Sequential:
    """g(W F): a 1 x 1 convolution, batch norm, leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=1),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),
    )


class Fusion(nn.Module):
    """Three maps of B pictures, and N sentences -> F_m (N, d, h, w), on the grid of F_v2.

    channels: of the three maps.  gate1 to gate3: sentence vectors -> factors, one for each map.
    """

    def __init__(
        self, channels: tuple[int, int, int], gate1: nn.Module, gate2: nn.Module, gate3: nn.Module, d: int = 512
    ):
        super().__init__()
        self.reduce1 = conv1x1(channels[0], d)
        self.reduce2 = conv1x1(channels[1], d)
        self.reduce3 = conv1x1(channels[2], d)
        self.gate1 = gate1
        self.gate2 = gate2
        self.gate3 = gate3
        self.join2 = conv1x1(2 * d, d)
        self.join1 = conv1x1(2 * d, d)
        self.place = conv1x1(d + 8, d)

    def prepare(self, maps: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """What doesn't depend on the sentence, once for each picture."""
        v1 = F.avg_pool2d(self.reduce1(maps[0]), 2)
        v2 = self.reduce2(maps[1])
        v3 = self.reduce3(maps[2])
        return v1, v2, v3

    def forward(self, prepared: tuple[Tensor, Tensor, Tensor], sentence: Tensor, owner: Tensor) -> Tensor:
        """owner: (N,), which picture each sentence is about."""
        v1 = prepared[0][owner] * self.gate1(sentence)  # (N, d, h, w)
        v2 = prepared[1][owner] * self.gate2(sentence)  # (N, d, h, w)
        v3 = prepared[2][owner] * self.gate3(sentence)  # (N, d, h/2, w/2)
        fused = F.interpolate(v3, v2.shape[-2:], mode="bilinear")
        fused = self.join2(torch.cat([fused, v2], dim=1))
        fused = self.join1(torch.cat([fused, v1], dim=1))
        where = coordinates(*fused.shape[-2:]).to(fused)
        where = where.expand(len(fused), -1, -1, -1)  # (N, 8, h, w)
        return self.place(torch.cat([fused, where], dim=1))


def sine_position_encoding(d: int, height: int, width: int) -> Tensor:
    """Sines and cosines for each place, (H W, d): d/2 numbers for y, then d/2 for x."""
    rate = torch.exp(torch.arange(0, d // 2, 2) * (-2 * math.log(1e4) / d))
    angle_y = torch.arange(height)[:, None] * rate
    angle_x = torch.arange(width)[:, None] * rate
    y = torch.cat([angle_y.sin(), angle_y.cos()], dim=1)  # (H, d/2)
    x = torch.cat([angle_x.sin(), angle_x.cos()], dim=1)  # (W, d/2)
    y = y[:, None].expand(-1, width, -1)  # (H, W, d/2)
    x = x[None].expand(height, -1, -1)  # (H, W, d/2)
    return torch.cat([y, x], dim=2).flatten(0, 1)


class Localization(nn.Module):
    """F_m (N, d, h, w) and sentence vectors (N, S) -> logits of the response map (N, 1, h / shrink, w / shrink)."""

    def __init__(
        self, sentence: int = 512, d: int = 512, heads: int = 8, feed: int = 2048, layers: int = 2, shrink: int = 1
    ):
        super().__init__()
        self.shrink = shrink
        self.encoder = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for _ in range(layers):
            self.encoder.append(nn.TransformerEncoderLayer(d, heads, feed, dropout=0.0, batch_first=True))
            self.decoder.append(nn.TransformerDecoderLayer(d, heads, feed, dropout=0.0, batch_first=True))
        self.query = nn.Linear(sentence, d)

    def forward(self, fused: Tensor, sentence: Tensor) -> Tensor:
        """Places look at each other, then the sentence at them: E z / sqrt(d)."""
        fused = F.avg_pool2d(fused, self.shrink)
        n, d, height, width = fused.shape
        places = fused.flatten(2).transpose(1, 2)  # (N, h w, d)
        places = places + sine_position_encoding(d, height, width).to(places)
        for layer in self.encoder:
            places = layer(places)
        z = self.query(sentence)[:, None]  # (N, 1, d)
        for layer in self.decoder:
            z = layer(z, places)
        response = places @ z.transpose(1, 2) / math.sqrt(d)  # (N, h w, 1)
        return response.transpose(1, 2).view(n, 1, height, width)


def deconvolution(inputs: int, outputs: int) -> nn.Sequential:
    """Twice as high, twice as wide: (N, inputs, h, w) -> (N, outputs, 2 h, 2 w)."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class MaskModule(nn.Module):
    """F_m (N, d, h, w) and the logits of the response -> logits of masks (N, outputs, 4 h, 4 w)."""

    def __init__(self, d: int = 512, middle: int = 256, rates: tuple[int, ...] = (6, 12, 18), outputs: int = 1):
        super().__init__()
        self.refine = conv_norm_act(d + 1, middle)
        self.context = ASPP(middle, middle, rates)
        self.up1 = deconvolution(middle, middle // 2)
        self.up2 = deconvolution(middle // 2, middle // 4)
        self.score = nn.Conv2d(middle // 4, outputs, kernel_size=1)
        # A phrase means about one pixel in twenty. From here the first steps needn't be spent on finding that out.
        nn.init.constant_(self.score.bias, -3.0)

    def forward(self, fused: Tensor, response: Tensor) -> Tensor:
        """The logits."""
        where = F.interpolate(response.sigmoid(), fused.shape[-2:], mode="bilinear")
        x = self.refine(torch.cat([fused, where], dim=1))
        x = self.context(x)
        x = self.up2(self.up1(x))
        return self.score(x)


class FuseNetRIS(nn.Module):
    """Pictures (B, 3, H, W) and N phrases about them -> logits of a mask and of a response map for each phrase."""

    def __init__(self, text: nn.Module, encoder: nn.Module, fusion: Fusion, localization: nn.Module, mask: MaskModule):
        super().__init__()
        self.text = text
        self.encoder = encoder
        self.fusion = fusion
        self.localization = localization
        self.mask = mask

    def find(self, prepared: tuple[Tensor, Tensor, Tensor], sentence: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        """Prepared maps of pictures and N sentence vectors -> masks (N, 1, h, w) and responses, as logits."""
        fused = self.fusion(prepared, sentence, owner)
        response = self.localization(fused, sentence)
        return self.mask(fused, response), response

    def forward(self, rgb: Tensor, tokens: Tensor, is_word: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        """owner: (N,), which picture each phrase is about."""
        prepared = self.fusion.prepare(self.encoder(rgb))
        _, sentence = self.text(tokens, is_word)
        return self.find(prepared, sentence, owner)


class Constant(nn.Module):
    """In the text encoder's place: one learned sentence vector, whatever is said."""

    def __init__(self, size: int):
        super().__init__()
        self.always = nn.Parameter(torch.randn(1, size) / 4)

    def forward(self, tokens: Tensor, is_word: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """N times the same vector, as the only word and as the sentence."""
        same = self.always.expand(len(tokens), -1)
        return same[:, None], same


class Nowhere(nn.Module):
    """In the localization's place: a response map that says nothing about any place."""

    def forward(self, fused: Tensor, sentence: Tensor) -> Tensor:
        """Zeros (N, 1, h, w)."""
        return fused.new_zeros(len(fused), 1, *fused.shape[-2:])


@in_float32
def masked_bce(logits: Tensor, mask: Tensor, known: Tensor | None = None, positive: float = 3.0) -> Tensor:
    """Binary cross-entropy of logits (N, 1, h, w) with a mask (N, 1, H, W) shrunk to their size: a scalar.

    known: (N, 1, H, W), 1 where the truth is known; the rest counts nothing.  positive: weight of what is meant.
    """
    weight = logits.new_tensor(positive)
    if known is None:
        share = F.adaptive_avg_pool2d(mask, logits.shape[-2:])  # of the pixels of a place, how many are meant
        return F.binary_cross_entropy_with_logits(logits, share, pos_weight=weight)
    mask = F.adaptive_avg_pool2d(mask * known, logits.shape[-2:])
    known = F.adaptive_avg_pool2d(known, logits.shape[-2:])
    share = mask / known.clamp(min=1e-6)  # of the known pixels
    loss = F.binary_cross_entropy_with_logits(logits, share, weight=known, pos_weight=weight, reduction="sum")
    return loss / known.sum().clamp(min=1)


def losses(logits: Tensor, response: Tensor, mask: Tensor, known: Tensor | None = None) -> dict[str, Tensor]:
    """The loss of the masks, and a tenth of that of the response maps."""
    return {"mask": masked_bce(logits, mask, known), "response": 0.1 * masked_bce(response, mask, known)}
