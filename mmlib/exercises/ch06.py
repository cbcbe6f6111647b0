"""What chapter 6's exercises ask for: pooling, a careful correction, a count, a mirrored flow, edges."""

import torch
from torch import Tensor

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise

FOUR = torch.tensor([[[[1.0, 3.0, 0.0, 0.0], [5.0, 7.0, 0.0, 4.0]]]])


@exercise(
    "ch6.pool",
    hints=[
        "Two steps: first make the picture so small that one place stands for one region, then make it large again.",
        "`F.adaptive_avg_pool2d` takes the means. For the way back, which mode of `F.interpolate` blends nothing?",
        "`F.interpolate(F.adaptive_avg_pool2d(features, n), features.shape[-2:], mode='nearest')`",
    ],
)
def pool(ask: Ask) -> None:
    """The mean of the region around each place: (B, C, H, W), n -> (B, C, H, W)."""
    ask.equals("one region: the mean of everything, everywhere", FOUR, 1, want=torch.full((1, 1, 2, 4), 2.5))
    halves = torch.tensor([[2.0, 2.0, 0.0, 0.0], [6.0, 6.0, 2.0, 2.0]])[None, None]
    ask.equals("2 x 2 regions", FOUR, 2, want=halves)
    both = torch.cat([FOUR, -FOUR], dim=1)
    ask.equals("channels stay apart", both, 1, want=torch.tensor([2.5, -2.5]).view(1, 2, 1, 1).expand(1, 2, 2, 4))
    steps = torch.arange(16.0).view(1, 1, 4, 4)
    want = torch.tensor([[2.5, 4.5], [10.5, 12.5]]).repeat_interleave(2, 0).repeat_interleave(2, 1)
    ask.equals("nothing is blended between regions", steps, 2, want=want[None, None])
    ask.equals("regions of one place change nothing", steps, 4, want=steps)


IMAGE, FLOW = torch.tensor([[[[2.0]], [[-1.0]]]]), torch.tensor([[[[10.0]], [[20.0]]]])


def _difference(both: Tensor) -> Tensor:
    """What the second half of the channels says beyond the first."""
    half = both.shape[1] // 2
    return both[:, half:] - both[:, :half]


@exercise(
    "ch6.fuse",
    hints=[
        "Join the two along the channels, hand them to `mix`, and remember which of them is to be corrected.",
        "`image + trust * mix(torch.cat([image, flow], dim=1))` is right, but for one case. What is 0 times infinity?",
        "It is not a number. So when `trust == 0`, return the image's scores and do not ask `mix` at all.",
    ],
)
def fuse(ask: Ask) -> None:
    """The image's scores plus a correction: image, flow, mix, trust -> scores."""
    want = torch.tensor([[[[10.0]], [[20.0]]]])
    ask.equals("a correction that leads all the way to the flow's scores", IMAGE, FLOW, _difference, 1.0, want=want)
    ask.equals("half the trust, half the way", IMAGE, FLOW, _difference, 0.5, want=torch.tensor([[[[6.0]], [[9.5]]]]))
    ask.equals("no trust: the image's scores", IMAGE, FLOW, _difference, 0.0, want=IMAGE)
    ask.equals(
        "no trust, whatever the correction", IMAGE, FLOW, lambda both: both[:, :2] + float("inf"), 0.0, want=IMAGE
    )


@exercise(
    "ch6.count",
    hints=[
        "Every output channel has a kernel for every input channel. Then the norm: two numbers for each output.",
        "A 1 x 1 kernel from 3 to 2 channels has 6 weights; its norm has 2 factors and 2 shifts. The ReLU has nothing.",
        "`outputs * inputs * kernel**2 + 2 * outputs`",
    ],
)
def count(ask: Ask) -> None:
    """How many numbers convolution without bias, batch norm and ReLU learn: inputs, outputs, kernel -> int."""
    ask.equals("the smallest block: a weight, a factor, a shift", 1, 1, 1, want=3)
    ask.equals("every output looks at every input", 3, 2, 1, want=10)
    ask.equals("a 3 x 3 kernel has nine places", 1, 2, 3, want=22)
    ask.equals("the first block of the paper's mixer: 38 maps to 64", 38, 64, 3, want=22016)


MOTION = torch.tensor([[[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]])


@exercise(
    "ch6.flip",
    hints=[
        "Two things change in a mirror: where a vector stands, and which way it points.",
        "Places: flip the last axis, of both channels. Directions: what went right goes left; up and down stay.",
        "With `m = flow.flip(-1)`: `torch.cat([-m[:, :1], m[:, 1:]], dim=1)`",
    ],
)
def flip(ask: Ask) -> None:
    """The flow of a scene in a left-right mirror: (B, 2, H, W) -> (B, 2, H, W)."""
    down = torch.tensor([[[[0.0, 0.0]], [[1.0, 2.0]]]])
    ask.equals("what falls goes on falling, at its new place", down, want=torch.tensor([[[[0.0, 0.0]], [[2.0, 1.0]]]]))
    even = torch.tensor([[[[5.0, 5.0]], [[0.0, 0.0]]]])
    ask.equals("what goes right goes left", even, want=torch.tensor([[[[-5.0, -5.0]], [[0.0, 0.0]]]]))
    ask.equals("places and directions", MOTION, want=torch.tensor([[[[-3.0, -2.0, -1.0]], [[6.0, 5.0, 4.0]]]]))
    rows = torch.tensor([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    ask.equals("rows keep their order", rows, want=torch.tensor([[[[-1.0], [-2.0]], [[3.0], [4.0]]]]))
    ask.equals("every sample of a batch", torch.cat([even, -even]), want=torch.cat([-even, even]))


@exercise(
    "ch6.edge",
    hints=[
        "Compare each row with the next one, and each column with the next one. A difference marks both pixels.",
        "`labels[:, 1:] != labels[:, :-1]` has one row fewer than the picture: it says something about two rows.",
        "Start with a map of False and `|=` the differences of rows into `[:, 1:]` and `[:, :-1]`; then the columns.",
    ],
)
def edge(ask: Ask) -> None:
    """Where a label differs from a direct neighbour's: (B, H, W) -> (B, H, W) bool."""
    flat = torch.zeros(1, 2, 3, dtype=torch.int64)
    ask.equals("one class has no edge, not even at the border", flat, want=torch.zeros(1, 2, 3, dtype=torch.bool))
    columns = torch.tensor([[[0, 0, 1, 1]]])
    ask.equals("both sides of a change, in a row", columns, want=torch.tensor([[[False, True, True, False]]]))
    rows = torch.tensor([[[3], [3], [7], [7]]])
    ask.equals("both sides of a change, in a column", rows, want=torch.tensor([[[False], [True], [True], [False]]]))
    corner = torch.tensor([[[1, 0, 0], [0, 0, 0]]])
    want = torch.tensor([[[True, True, False], [True, False, False]]])
    ask.equals("diagonal neighbours do not count", corner, want=want)
    two = torch.stack([torch.zeros(2, 2, dtype=torch.int64), torch.ones(2, 2, dtype=torch.int64)])
    ask.equals("pictures of a batch are no neighbours", two, want=torch.zeros(2, 2, 2, dtype=torch.bool))
