"""TSJNet at test time: the function that chapter 8 builds, with less moved memory, and no gradients.

- Maps lie pixel by pixel (channels last), and the few large ones are made once and used again, for both senses and
  for the decoder. Around each is an edge of zeros, so that a convolution needs no padding above or below.
- Convolutions work on bands of rows small enough for a processor's cache.
- A split attention's mixture is never made: the shares are known before the 1 x 1 convolution behind it, and become
  part of that convolution's weights.
- Batch norms are part of their convolutions (`folding`), and attention works tile by tile (`neighbourhood`).
Results differ by rounding.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from folding import folded
from neighbourhood import tiled
from torch import Tensor, nn

from mmlib.models.tsjnet import Bottleneck, Decoder, Encoder, TSJNet

CACHED = 4_000  # pixels of a band


class Room:
    """Maps of one size with an edge of zeros above and below, each made once: `room(channels, which)`."""

    def __init__(self, like: Tensor, height: int, width: int):
        self.like, self.height, self.width, self.maps = like, height, width, {}

    def __call__(self, channels: int, which: int = 0) -> Tensor:
        """Map number `which` of that many channels, (1, channels, 1 + H + 1, W); what is in it stays in it."""
        if (channels, which) not in self.maps:
            made = self.like.new_zeros(1, self.height + 2, self.width, channels).permute(0, 3, 1, 2)
            self.maps[channels, which] = made
        return self.maps[channels, which]

    def bands(self) -> Iterator[slice]:
        """Rows of a map, edges included, a band at a time."""
        step = max(1, CACHED // self.width)
        return (slice(top, min(top + step, self.height + 1)) for top in range(1, self.height + 1, step))


def wider(rows: slice) -> slice:
    """A band and one row more at each side."""
    return slice(rows.start - 1, rows.stop + 1)


def convolve(conv: nn.Conv2d, source: Tensor, target: Tensor, act: Callable, room: Room) -> Tensor:
    """A convolution of 3 x 3 or 1 x 1, and `act`, from one map of the room to another; the mean of the result."""
    total, reach = 0, conv.kernel_size[0] // 2
    for rows in room.bands():
        seen = source[:, :, wider(rows) if reach else rows]
        found = act(F.conv2d(seen, conv.weight, conv.bias, padding=(0, reach), groups=conv.groups))
        target[:, :, rows] = found
        total = total + found.sum(dim=(2, 3), keepdim=True)
    return total / (room.height * room.width)


def attend(block: Bottleneck, source: Tensor, target: Tensor, room: Room) -> None:
    """A folded bottleneck, from a map that is nowhere negative to another, or to the same if it keeps the channels."""
    narrow, split, wide = block.change[0][0], block.change[1], block.change[2]
    thin, views = room(narrow.out_channels, 1), room(split.read[0].out_channels)
    convolve(narrow, source, thin, F.relu_, room)
    mean = convolve(split.read[0], thin, views, F.relu_, room).unflatten(1, (split.radix, -1))
    shares = split.weigh(mean.sum(dim=1)).unflatten(1, (split.radix, -1)).softmax(dim=1)
    weight = torch.cat([wide.weight * share[:, :, 0, 0, None, None] for share in shares.unbind(dim=1)], dim=1)
    for rows in room.bands():
        if len(block.around):  # zeros at the edge change no maximum
            around = block.around[1](F.max_pool2d(source[:, :, wider(rows)], 3, 1, (0, 1)))
        else:
            around = source[:, :, rows]
        target[:, :, rows] = F.conv2d(views[:, :, rows], weight, wide.bias).add_(around).relu_()


def run_trunk(layers: nn.Sequential, source: Tensor, room: Room) -> Tensor:
    """Three layers and two bottlenecks, to a map of the room."""
    *stem, widen, keep = layers
    for number, (conv, *_) in enumerate(stem):
        target = room(conv.out_channels, 2 if number == 1 else 0)
        convolve(conv, source, target, F.relu_, room)
        source = target
    target = room(widen.change[2].out_channels)
    attend(widen, source, target, room)
    attend(keep, target, target, room)
    return target


def filled(image: Tensor, room: Room) -> Tensor:
    """A map of the room that holds an image."""
    made = room(image.shape[1], 3)
    made[:, :, 1:-1] = image
    return made


def encode(encoder: Encoder, image: Tensor, room: Room) -> tuple[Tensor, Tensor]:
    """Grey (1, 1, H, W) -> base and detail."""
    unfold, embed, trunk, *squeeze = encoder.trunk
    source = run_trunk(trunk, filled(embed(unfold(image)), room), room)
    for conv in squeeze[::2]:
        target = room(conv.out_channels)
        convolve(conv, source, target, lambda x: x.clamp_(0, 6), room)
        source = target
    features = source[:, :, 1:-1].clone()
    return encoder.base(features), encoder.detail(features)


def paint(decoder: Decoder, base: Tensor, detail: Tensor, room: Room) -> tuple[Tensor, Tensor]:
    """Base and detail -> grey (1, 1, H, W), and the maps of the gates."""
    features, maps = decoder.gates(torch.cat([base, detail], dim=1))
    source = run_trunk(decoder.trunk, filled(decoder.reduce(features), room), room)
    first, act, last, *ends = decoder.paint
    target, painted = room(first.out_channels), room(last.out_channels, 4)
    convolve(first, source, target, act, room)
    convolve(last, target, painted, lambda x: x, room)
    image = painted[:, :, 1:-1].contiguous()
    for end in ends:
        image = end(image)
    return image, maps


class QuickTSJNet(nn.Module):
    """A `TSJNet` for test time: (visible, ir) -> the fused image and the gates, the same function."""

    def __init__(self, net: TSJNet):
        super().__init__()
        self.net, self.multiple = tiled(folded(net)).to(memory_format=torch.channels_last), net.multiple

    @torch.no_grad()
    def forward(self, visible: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
        """One pair after the other. Sizes and errors as those of `TSJNet`."""
        fused, maps = zip(*(self._pair(*pair) for pair in zip(visible.split(1), ir.split(1))))
        return torch.cat(fused), torch.cat(maps)

    def _pair(self, visible: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
        net, fold = self.net, self.net.encoder.trunk[0].downscale_factor
        room = Room(visible, visible.shape[2] // fold, visible.shape[3] // fold)
        base, detail = zip(encode(net.encoder, visible, room), encode(net.encoder, ir, room))
        return paint(net.decoder, net.fuse_base(sum(base)), net.fuse_detail(sum(detail)), room)
