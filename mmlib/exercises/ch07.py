"""What chapter 7's exercises ask for: saliency, a dense block's weights, a small table, colours, dynamic weights."""

import torch
from torch import Tensor

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise
from mmlib.images import luma


@exercise(
    "ch7.saliency",
    hints=[
        "Compare every grey with every other: `greys[:, None] - greys` is a table of all differences.",
        "The mean of a row of absolute differences says how odd that grey is. Integers have no mean: `greys.float()`.",
        "Then stretch: `(raw - raw.min()) / (raw.max() - raw.min())`, and mind the case in which that divides by 0.",
    ],
)
def saliency(ask: Ask) -> None:
    """Whole greys (N,) give (N,): how far each lies from all, from 0 (least) to 1 (most)."""
    ask.equals("the odd one out has 1, the others 0", torch.tensor([0, 0, 0, 255]), want=torch.tensor([0.0, 0, 0, 1]))
    ask.equals("a dark grey among bright ones is odd, too", torch.tensor([9, 200, 200]), want=torch.tensor([1.0, 0, 0]))
    ask.equals("distance counts, not rarity alone", torch.tensor([0, 0, 100, 200, 200]), atol=1e-6,
               want=torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0]))  # fmt: skip
    ask.equals(
        "each pixel counts once", torch.tensor([0, 10, 10, 40]), want=torch.tensor([1 / 3, 0, 0, 1.0]), atol=1e-6
    )
    ask.equals("far from all, not from the one in the middle", torch.tensor([0, 10, 20, 30, 100]), atol=1e-6,
               want=torch.tensor([4.0, 1, 0, 1, 22]) / 22)  # fmt: skip
    ask.equals("where all is equal nothing is salient", torch.tensor([7, 7, 7]), want=torch.zeros(3))


@exercise(
    "ch7.dense",
    hints=[
        "Layer i sees `width + i * growth` channels and adds `growth`; a 3 x 3 convolution has 9 weights per pair.",
        "Every convolution also has one bias for each channel that it gives out.",
        "The last one takes `width + layers * growth` channels to `width`, with 1 x 1 weights and `width` biases.",
    ],
)
def dense_weights(ask: Ask) -> None:
    """(width, growth, layers) give the number of weights of a dilated residual dense block."""
    ask.equals("no layers: only the 1 x 1 convolution", 4, 2, 0, want=20)
    ask.equals("one layer of one channel", 1, 1, 1, want=13)
    ask.equals("the second layer sees the first's channels", 1, 1, 2, want=33)
    ask.equals("the paper's block", 64, 32, 5, want=198_880)


QUERY = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
PIXELS = torch.linspace(-2, 2, 12).sin().view(3, 4, 1).expand(3, 4, 2) * torch.tensor([1.0, -0.5])


def _by_hand(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The table entry by entry, then the answers."""
    channels = query.shape[1]
    raw = [[sum(key[:, i] * value[:, j]) / channels**0.5 for j in range(channels)] for i in range(channels)]
    powers = torch.tensor(raw).exp()
    return query @ (powers / powers.sum(0))


@exercise(
    "ch7.attend",
    hints=[
        "The table comes first: `key.T @ value` is d x d, whatever the number of pixels.",
        "Divide it by the root of d, then take the soft-max along dim 0, the keys' channels.",
        "`query @ table` hands each pixel its answer.",
    ],
)
def small_table(ask: Ask) -> None:
    """One head of linear attention: (N, d) three times give (N, d)."""
    nothing = torch.zeros(2, 2)
    ask.equals("with nothing to choose from, the query's mean", QUERY, nothing, nothing,
               want=torch.tensor([[0.5, 0.5], [1.0, 1.0]]))  # fmt: skip
    ask.equals("columns of the table sum to 1, not rows", QUERY, torch.tensor([[3.0, 0], [0, 0]]),
               torch.tensor([[1.0, 0], [0, 0]]), want=_by_hand(QUERY, torch.tensor([[3.0, 0], [0, 0]]),
               torch.tensor([[1.0, 0], [0, 0]])), atol=1e-5)  # fmt: skip
    query, key, value = PIXELS
    ask.equals("it agrees with a table made entry by entry", query, key, value.flip(0),
               want=_by_hand(query, key, value.flip(0)), atol=1e-5)  # fmt: skip
    key, value = torch.tensor([[1.0, 0], [0, 2], [1, -1]]), torch.tensor([[0.0, 1], [1, 1], [2, 0]])
    ask.equals("keys along the rows, values along the columns", key, key, value, want=_by_hand(key, key, value),
               atol=1e-5)  # fmt: skip
    many = torch.linspace(-1, 1, 200_000).view(100_000, 2)
    ask.holds("100 000 pixels are no trouble", many, many / 300, many / 300,
              that=lambda r: tuple(r.shape) == (100_000, 2), expected="an answer for each pixel")  # fmt: skip


RED = torch.tensor([0.8, 0.3, 0.2]).view(1, 3, 1, 1)
GREY = torch.full((1, 3, 1, 1), 0.4)


@exercise(
    "ch7.colour",
    hints=[
        "Luma and colour must come apart first. `mmlib.images` has the way there and the way back.",
        "Keep channels 1 and 2, written `[:, 1:]`, and put the fused luma before them with `torch.cat(..., dim=1)`.",
        "`ycbcr_to_rgb` goes back. Nothing is cut to [0, 1].",
    ],
)
def recolour(ask: Ask) -> None:
    """Fused luma (B, 1, H, W) and rgb (B, 3, H, W) give the fused picture in the colours of rgb."""
    ask.equals("grey stays grey", torch.full((1, 1, 1, 1), 0.7), GREY, want=torch.full((1, 3, 1, 1), 0.7), atol=1e-3)
    ask.equals("its own luma gives the picture back", luma(RED), RED, want=RED, atol=1e-3)
    ask.equals("all three channels rise by what luma rises", luma(RED) + 0.1, RED, want=RED + 0.1, atol=1e-3)
    ask.equals("nothing is cut", luma(RED) + 0.4, RED, want=RED + 0.4, atol=1e-3)
    ask.equals("each sample keeps its own colours", torch.cat([luma(GREY), luma(RED)]), torch.cat([GREY, RED]),
               want=torch.cat([GREY, RED]), atol=1e-3)  # fmt: skip


@exercise(
    "ch7.weights",
    hints=[
        "The ratio `now / before` of each loss, divided by the temperature, goes into a soft-max.",
        "A soft-max sums to 1. K weights should sum to K.",
        "`len(now) * (now / before / temperature).softmax(dim=0)`",
    ],
)
def dynamic_weights(ask: Ask) -> None:
    """Last two values of K losses, (K,) twice, and a temperature give K weights."""
    two, log3 = torch.tensor([1.0, 1.0]), float(torch.tensor(3.0).log())
    ask.equals("losses that move alike weigh alike", torch.tensor([2.0, 0.2]), torch.tensor([4.0, 0.4]), 2.0, want=two)
    ask.equals("the one that falls more slowly weighs more", torch.tensor([1 + log3, 1.0]), two, 1.0,
               want=torch.tensor([1.5, 0.5]), atol=1e-5)  # fmt: skip
    ask.equals("twice the temperature, half the difference", torch.tensor([1 + 2 * log3, 1.0]), two, 2.0,
               want=torch.tensor([1.5, 0.5]), atol=1e-5)  # fmt: skip
    ask.equals("only the ratio counts, not the size", torch.tensor([10 + 10 * log3, 1.0]), torch.tensor([10.0, 1.0]),
               1.0, want=torch.tensor([1.5, 0.5]), atol=1e-5)  # fmt: skip
    ask.equals("three losses share three", torch.ones(3), torch.ones(3), 2.0, want=torch.ones(3))
