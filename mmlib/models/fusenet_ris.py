"""FuseNet-RIS: can you tell a network what to look for?

Written by ``make export`` from the cells tagged ``export`` in nbs/09_fusenet_ris.ipynb; change them there.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmlib.backbones.pyramid import ASPP
from mmlib.layers import conv_norm_act
from mmlib.text import Vocabulary

LONGEST = 20  # words in a phrase
LEXICON = """the all in on and that moves left right largest smallest nearest farthest
    warmest coldest road sidewalk building buildings wall fence sign signs poles plants
    vegetation sky person people rider riders car cars black white grey red blue green
    yellow orange purple"""
STREET = Vocabulary.of([LEXICON])


def phrases(texts: list[str], vocabulary: Vocabulary = STREET, unknown: str = "error") -> tuple[Tensor, Tensor]:
    """Phrases -> tokens (N, LONGEST), and which of them are words (N, LONGEST) bool.

    ValueError for a phrase without words, with more than LONGEST, or with a word that
    the vocabulary lacks; with unknown="unk" such a word is read as <unk>.
    """
    return vocabulary.encode(texts, LONGEST, unknown)


class Reader(nn.Module):
    """Phrases -> word vectors h_t (N, T, 2 hidden), sentence vectors (N, 2 hidden)."""

    def __init__(self, vectors: Tensor, hidden: int = 256):
        super().__init__()
        how = {"freeze": False, "padding_idx": 0}
        self.vectors = nn.Embedding.from_pretrained(vectors, **how)
        size, how = vectors.shape[1], {"batch_first": True, "bidirectional": True}
        self.lstm = nn.LSTM(size, hidden, **how)

    def forward(self, tokens: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Equations 1 to 4; `words` (N, T) says which tokens are words."""
        lengths = words.sum(dim=1)
        how = {"batch_first": True, "enforce_sorted": False}
        packed = pack_padded_sequence(self.vectors(tokens), lengths.cpu(), **how)
        how = {"batch_first": True, "total_length": tokens.shape[1]}
        h, _ = pad_packed_sequence(self.lstm(packed)[0], **how)
        return h, h.sum(dim=1) / lengths[:, None]


VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class SegNetEncoder(nn.Module):
    """Pictures (B, channels, H, W) -> the maps after each pooling, and its maxima.

    `widths`: a tuple for each stage, a number for each convolution. With `fold` = 2
    blocks of 2 x 2 pixels become channels first.
    """

    def __init__(self, channels: int = 3, widths: tuple = VGG16, fold: int = 1):
        super().__init__()
        self.channels, self.fold = channels, nn.PixelUnshuffle(fold)
        inputs, stages = channels * fold**2, []
        for stage in widths:
            layers = []
            for outputs in stage:
                layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
                inputs = outputs
            stages.append(nn.Sequential(*layers))
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Maps and maxima; the last three maps are F_v1, F_v2 and F_v3."""
        maps, maxima, features = [], [], self.fold(image)
        for stage in self.stages:
            features, where = F.max_pool2d(stage(features), 2, return_indices=True)
            maps.append(features)
            maxima.append(where)
        return maps, maxima


def look(inputs: int, outputs: int) -> nn.Sequential:
    """g(W F): a 1 x 1 convolution, batch norm, leaky ReLU."""
    norm = nn.BatchNorm2d(outputs)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1), norm, nn.LeakyReLU(0.1))


def coordinates(height: int, width: int) -> Tensor:
    """Ends (left, top, right, bottom) and centre in [-1, 1], 1/W, 1/H; (8, H, W)."""
    y = torch.arange(height) * 2 / height - 1
    x = torch.arange(width) * 2 / width - 1
    top, left = torch.meshgrid(y, x, indexing="ij")
    w, h = torch.full_like(left, 1 / width), torch.full_like(top, 1 / height)
    ends = [left, top, left + 2 * w, top + 2 * h, left + w, top + h]
    return torch.stack([*ends, w, h])


class Fusion(nn.Module):
    """Three maps and N sentences -> F_m (N, d, H, W), at the size of F_v2."""

    def __init__(self, channels: tuple[int, ...], sentence: int = 512, d: int = 512):
        super().__init__()
        self.see = nn.ModuleList(look(inputs, d) for inputs in channels)
        self.gate = nn.Linear(sentence, d)
        nn.init.orthogonal_(self.gate.weight, gain=4.0)  # a gate must open at first
        self.join2, self.join3 = look(2 * d, d), look(2 * d, d)
        self.place = look(d + 8, d)

    def prepare(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """What does not depend on the sentence, once for each picture."""
        v1, v2, v3 = (see(features) for see, features in zip(self.see, maps))
        return F.avg_pool2d(v1, 2), v2, v3

    def forward(self, seen: tuple, sentence: Tensor, owner: Tensor) -> Tensor:
        """`owner` (N,) says which picture each sentence is about."""
        v1, v2, v3 = (features[owner] for features in seen)
        fused = v3 * torch.tanh(self.gate(sentence))[..., None, None]
        fused = F.interpolate(fused, size=v2.shape[-2:], mode="bilinear")
        fused = self.join2(torch.cat([fused, v2], dim=1))
        fused = self.join3(torch.cat([fused, v1], dim=1))
        where = coordinates(*fused.shape[-2:]).to(fused)
        where = where.expand(len(fused), -1, -1, -1)
        return self.place(torch.cat([fused, where], dim=1))


def waves(d: int, height: int, width: int) -> Tensor:
    """Sines and cosines for each place (H W, d): d/2 numbers for y, d/2 for x."""
    rate = torch.exp(torch.arange(0, d // 2, 2) * (-2 * math.log(1e4) / d))
    y, x = (torch.arange(n)[:, None] * rate for n in (height, width))
    y, x = (torch.cat([angle.sin(), angle.cos()], dim=1) for angle in (y, x))
    grid = y[:, None].expand(-1, width, -1), x[None].expand(height, -1, -1)
    return torch.cat(grid, dim=2).flatten(0, 1)


class Localization(nn.Module):
    """F_m (N, d, H, W) and sentences -> logits of the response map (N, 1, H, W)."""

    def __init__(
        self, sentence: int = 512, d: int = 512, heads: int = 8, feed: int = 2048,
        layers: int = 2
    ):  # fmt: skip
        super().__init__()
        how = {"dropout": 0.0, "batch_first": True}
        kinds = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
        self.encoder, self.decoder = (
            nn.ModuleList(kind(d, heads, feed, **how) for _ in range(layers)) for kind in kinds
        )
        self.query = nn.Linear(sentence, d)

    def forward(self, fused: Tensor, sentence: Tensor) -> Tensor:
        """Places look at each other, then the sentence at them: E z / sqrt(d)."""
        n, d, height, width = fused.shape
        places = fused.flatten(2).transpose(1, 2)
        places = places + waves(d, height, width).to(places)
        for layer in self.encoder:
            places = layer(places)
        z = self.query(sentence)[:, None]
        for layer in self.decoder:
            z = layer(z, places)
        return (places @ z.transpose(1, 2)).view(n, 1, height, width) / d**0.5


def enlarge(inputs: int, outputs: int) -> nn.Sequential:
    """A deconvolution: twice as high, twice as wide."""
    up = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(up, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class MaskModule(nn.Module):
    """F_m and the logits of the response -> logits (N, outputs, 4 H, 4 W)."""

    def __init__(
        self, d: int = 512, middle: int = 256, rates: tuple[int, ...] = (6, 12, 18),
        outputs: int = 1
    ):  # fmt: skip
        super().__init__()
        self.refine = conv_norm_act(d + 1, middle)
        self.context = ASPP(middle, middle, rates)
        widths = zip((middle, middle // 2), (middle // 2, middle // 4))
        self.enlarge = nn.Sequential(*(enlarge(*pair) for pair in widths))
        self.score = nn.Conv2d(middle // 4, outputs, 1)
        nn.init.constant_(self.score.bias, -3.0)  # at first hardly a pixel is meant

    def forward(self, fused: Tensor, response: Tensor) -> Tensor:
        """Refine, look around, enlarge, score."""
        features = self.refine(torch.cat([fused, response.sigmoid()], dim=1))
        return self.score(self.enlarge(self.context(features)))


class FuseNetRIS(nn.Module):
    """Pictures and phrases -> a mask for each phrase, by the parts handed in."""

    def __init__(
        self, reader: nn.Module, encoder: nn.Module, fusion: Fusion,
        localization: nn.Module, mask: MaskModule
    ):  # fmt: skip
        super().__init__()
        self.reader, self.encoder, self.fusion = reader, encoder, fusion
        self.localization, self.mask = localization, mask

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the fusion needs of pictures, whatever will be asked about them."""
        maps, _ = self.encoder(image)
        return self.fusion.prepare(maps[-3:])

    def find(self, seen: tuple, sentence: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of masks (N, 1, h, w) and of response maps, one for each sentence."""
        fused = self.fusion(seen, sentence, owner)
        response = self.localization(fused, sentence)
        return self.mask(fused, response), response

    def forward(self, image: Tensor, tokens: Tensor, words: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
        """`owner` (N,) says which picture each of the N phrases is about."""
        _, sentence = self.reader(tokens, words)
        return self.find(self.encode(image), sentence, owner)


def fusenet_ris(
    vectors: Tensor, channels: int = 3, widths: tuple = VGG16, fold: int = 1,
    d: int = 512, hidden: int = 256, heads: int = 8, feed: int = 2048, layers: int = 2,
    middle: int = 256, rates: tuple[int, ...] = (6, 12, 18)
) -> FuseNetRIS:  # fmt: skip
    """All parts together; `vectors` (words, size) are where word vectors start from."""
    return FuseNetRIS(
        Reader(vectors, hidden),
        SegNetEncoder(channels, widths, fold),
        Fusion([stage[-1] for stage in widths[-3:]], 2 * hidden, d),
        Localization(2 * hidden, d, heads, feed, layers),
        MaskModule(d, middle, rates),
    )


class Deaf(nn.Module):
    """In the reader's place: one learned sentence vector, whatever is said."""

    def __init__(self, size: int):
        super().__init__()
        self.always = nn.Parameter(torch.randn(1, size) / 4)

    def forward(self, tokens: Tensor, words: Tensor | None) -> tuple[Tensor, Tensor]:
        """N times the same sentence, as its only word and as a whole."""
        same = self.always.expand(len(tokens), -1)
        return same[:, None], same


class Nowhere(nn.Module):
    """In the localization's place: a response map that says nothing about any place."""

    def forward(self, fused: Tensor, sentence: Tensor) -> Tensor:
        """Zeros (N, 1, H, W)."""
        return fused.new_zeros(len(fused), 1, *fused.shape[-2:])


class SegNet(nn.Module):
    """Pictures -> logits (B, classes, H, W) at the folded size.

    The decoder enlarges by the maxima: a value goes back to where it was found.
    """

    def __init__(self, classes: int, channels: int = 3, widths: tuple = VGG16, fold: int = 1):
        super().__init__()
        self.encoder, stages = SegNetEncoder(channels, widths, fold), []
        for stage, below in zip(widths, ((classes,), *widths)):
            layers, inputs = [], stage[-1]
            for outputs in (*stage[1:], below[-1]):
                layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
                inputs = outputs
            stages.insert(0, nn.Sequential(*layers))
        stages[-1] = stages[-1][:-2]  # scores are left as they are
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> Tensor:
        """The scores of every class."""
        maps, maxima = self.encoder(image)
        features = maps[-1]
        for stage, where in zip(self.stages, reversed(maxima)):
            features = stage(F.max_unpool2d(features, where, 2))
        return features


def against(guess: Tensor, mask: Tensor, known: Tensor | None = None, meant: float = 3.0) -> Tensor:
    """Cross-entropy of logits and shrunk masks; pixels not `known` count nothing."""
    known = torch.ones_like(mask) if known is None else known
    mask, known = (F.adaptive_avg_pool2d(m, guess.shape[-2:]) for m in (mask, known))
    guess = guess.float()
    share, weight = mask / known.clamp(min=1e-6), guess.new_tensor(meant)
    how = {"pos_weight": weight, "weight": known, "reduction": "sum"}
    loss = F.binary_cross_entropy_with_logits(guess, share, **how)
    return loss / known.sum().clamp(min=1)


def two_losses(logits: Tensor, response: Tensor, mask: Tensor, known: Tensor | None = None) -> dict[str, Tensor]:
    """How wrong the masks are, and a tenth of how wrong the response maps are."""
    there = 0.1 * against(response, mask, known)
    return {"mask": against(logits, mask, known), "response": there}
