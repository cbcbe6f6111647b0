"""TSJNet at test time: the function that chapter 8 builds, with less moved memory, and no gradients.

- Maps lie pixel by pixel (channels last), and the few large ones are made once and used again, for both senses and
  for the decoder. Around each is an edge of zeros, so that a convolution needs no padding above or below.
- Convolutions work on bands of rows small enough for a processor's cache.
- A split attention's mixture is never made: the weights are known before the 1 x 1 convolution behind it, and become
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


def run_bottleneck(block: Bottleneck, source: Tensor, target: Tensor, room: Room) -> None:
    """A folded bottleneck, from a map that is nowhere negative to another, or to the same if it keeps the channels."""
    reduce, attention, expand, _ = block.residual
    reduced = room(reduce[0].out_channels, 1)  # (1, planes, ...)
    splits = room(attention.split[0].out_channels)  # (1, radix * planes, ...)
    convolve(reduce[0], source, reduced, F.relu_, room)
    mean = convolve(attention.split[0], reduced, splits, F.relu_, room)  # (1, radix * planes, 1, 1)
    context = mean.unflatten(1, (attention.radix, -1)).sum(dim=1)
    scores = attention.attn(context).unflatten(1, (attention.radix, -1))
    weights = scores.softmax(dim=1)  # (1, radix, planes, 1, 1)
    scaled = [expand.weight * weight[:, :, 0, 0, None, None] for weight in weights.unbind(dim=1)]
    weight = torch.cat(scaled, dim=1)  # (4 planes, radix * planes, 1, 1)
    for rows in room.bands():
        if isinstance(block.shortcut, nn.Identity):
            shortcut = source[:, :, rows]
        else:  # zeros at the edge change no maximum, because the source is nowhere negative
            shortcut = block.shortcut[1](F.max_pool2d(source[:, :, wider(rows)], 3, 1, (0, 1)))
        target[:, :, rows] = F.conv2d(splits[:, :, rows], weight, expand.bias).add_(shortcut).relu_()


def run_trunk(layers: nn.Sequential, source: Tensor, room: Room) -> Tensor:
    """Three layers and two bottlenecks, to a map of the room."""
    *stem, widen, keep = layers
    for number, (conv, *_) in enumerate(stem):
        target = room(conv.out_channels, 2 if number == 1 else 0)
        convolve(conv, source, target, F.relu_, room)
        source = target
    target = room(widen.residual[2].out_channels)
    run_bottleneck(widen, source, target, room)
    run_bottleneck(keep, target, target, room)
    return target


def filled(image: Tensor, room: Room) -> Tensor:
    """A map of the room that holds an image."""
    made = room(image.shape[1], 3)
    made[:, :, 1:-1] = image
    return made


def encode(encoder: Encoder, image: Tensor, room: Room) -> tuple[Tensor, Tensor]:
    """Grey (1, 1, H, W) -> base and detail."""
    source = run_trunk(encoder.trunk, filled(encoder.embed(image), room), room)
    for conv in encoder.reduce[::2]:  # a ReLU6 follows each
        target = room(conv.out_channels)
        convolve(conv, source, target, lambda x: x.clamp_(0, 6), room)
        source = target
    features = source[:, :, 1:-1].clone()
    return encoder.base(features), encoder.detail(features)


def decode(decoder: Decoder, base: Tensor, detail: Tensor, room: Room) -> tuple[Tensor, Tensor]:
    """Base and detail -> grey (1, 1, H, W), and the gates."""
    features, gates = decoder.gates(torch.cat([base, detail], dim=1))
    source = run_trunk(decoder.trunk, filled(decoder.reduce(features), room), room)
    conv1, act, conv2, pixel_shuffle, sigmoid = decoder.head
    target = room(conv1.out_channels)
    pixels = room(conv2.out_channels, 4)
    convolve(conv1, source, target, act, room)
    convolve(conv2, target, pixels, lambda x: x, room)
    image = pixel_shuffle(pixels[:, :, 1:-1].contiguous())
    return sigmoid(image), gates


class QuickTSJNet(nn.Module):
    """A `TSJNet` for test time: (vis, ir) -> the fused image and the gates, the same function."""

    def __init__(self, net: TSJNet):
        super().__init__()
        self.net, self.multiple = tiled(folded(net)).to(memory_format=torch.channels_last), net.multiple

    @torch.no_grad()
    def forward(self, vis: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
        """One pair after the other. Sizes and errors as those of `TSJNet`."""
        pairs = [self._pair(one_vis, one_ir) for one_vis, one_ir in zip(vis.split(1), ir.split(1))]
        fused = torch.cat([image for image, _ in pairs])
        gates = torch.cat([maps for _, maps in pairs])
        return fused, gates

    def _pair(self, vis: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
        net, scale = self.net, self.net.encoder.embed[0].downscale_factor
        room = Room(vis, vis.shape[2] // scale, vis.shape[3] // scale)
        base_vis, detail_vis = encode(net.encoder, vis, room)
        base_ir, detail_ir = encode(net.encoder, ir, room)
        base = net.fuse_base(base_vis + base_ir)
        detail = net.fuse_detail(detail_vis + detail_ir)
        return decode(net.decoder, base, detail, room)
