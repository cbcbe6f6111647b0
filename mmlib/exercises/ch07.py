"""What chapter 7's exercises ask for: saliency, a dense block's weights, a steered block, a steady table, weights."""

import torch
from torch import Tensor

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import Exercise, exercise


@exercise(
    "ch7.saliency",
    hints=[
        "Compare every grey level with every other: a table of all differences has one row for each of them.",
        "`greys[:, None] - greys` is that table. Whole numbers have no mean, so take `greys.float()` first.",
        "Then stretch: `(raw - raw.min()) / (raw.max() - raw.min())`, and mind the case in which that divides by 0.",
    ],
)
def saliency(ask: Ask) -> None:
    """Whole greys (N,) give (N,): how far each lies from all, from 0 (least) to 1 (most)."""
    ask.equals("the odd one out has 1, the others 0", torch.tensor([0, 0, 0, 255]), want=torch.tensor([0.0, 0, 0, 1]))
    ask.equals("a dark one among bright ones is odd, too", torch.tensor([9, 200, 200]), want=torch.tensor([1.0, 0, 0]))
    ask.equals(
        "distance counts, not rarity alone",
        torch.tensor([0, 0, 100, 200, 200]),
        want=torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0]),
    )
    ask.equals("each pixel counts once", torch.tensor([0, 10, 10, 40]), want=torch.tensor([1 / 3, 0, 0, 1.0]))
    ask.equals(
        "far from all, not from the one in the middle",
        torch.tensor([0, 10, 20, 30, 100]),
        want=torch.tensor([4.0, 1, 0, 1, 22]) / 22,
    )
    ask.equals("where all is equal nothing is salient", torch.tensor([7, 7, 7]), want=torch.zeros(3))


dense_weights = Exercise(
    "ch7.dense",
    hints=[
        "How many channels does layer i see? Those of the input, and those of all the layers before it.",
        "Layer i takes `width + i * growth` channels to `growth`: 9 weights for each pair, and a bias for each new.",
        "The last takes `width + layers * growth` channels to `width`, with 1 x 1 weights and `width` biases.",
    ],
)


def _table(key: Tensor, value: Tensor) -> Tensor:
    """The block's table for one head, as the chapter defines it."""
    return (key.T @ value / key.shape[1] ** 0.5).softmax(dim=0)


QUERY = torch.tensor([[1.0, 5.0, -2.0], [0.0, 3.0, 7.0]])


def _hands_out(pixels: int, channels: int, chosen: int) -> object:
    """Whether the block, given an answer's key and value, makes every new channel of a query the chosen one."""

    def that(answer: object) -> bool:
        key, value = answer
        if key.shape != (pixels, channels) or value.shape != (pixels, channels):
            return False
        query = QUERY[:, :channels]
        wanted = query[:, chosen : chosen + 1].expand(-1, channels)
        return bool(torch.allclose(query @ _table(key, value), wanted, atol=1e-2))

    return that


@exercise(
    "ch7.steer",
    hints=[
        "Think backwards. Which table makes every new channel the chosen one? In each column all weight is in one row.",
        "A softmax gives all weight to what is far above the rest. So row `chosen` of key.T @ value has to be.",
        "Entry (i, j) is the sum over pixels of `key[:, i] * value[:, j]`: make one key large, and all values 1.",
    ],
)
def steer(ask: Ask) -> None:
    """pixels, channels, chosen -> a key and a value (pixels, channels) that make the block select one channel."""
    for name, pixels, channels, chosen in (
        ("the second of two channels", 4, 2, 1),
        ("the first of two channels", 4, 2, 0),
        ("the last of three channels", 4, 3, 2),
        ("a single pixel is enough", 1, 3, 1),
        ("and many pixels do no harm", 1000, 2, 1),
    ):
        ask.holds(
            name,
            pixels,
            channels,
            chosen,
            that=_hands_out(pixels, channels, chosen),
            expected=f"a key and a value ({pixels}, {channels}) whose table hands out channel {chosen} in every column",
        )


PIXELS = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]])


@exercise(
    "ch7.steady",
    hints=[
        "In which step do all pixels come together? What would have to stand there for their number not to matter?",
        "`key.T @ value` is a sum over pixels. Divide it by their number, and it is a mean.",
        "`(key.T @ value / len(key) / key.shape[1] ** 0.5).softmax(dim=0)`",
    ],
)
def steady(ask: Ask) -> None:
    """key, value (N, d) -> a table (d, d) whose columns sum to 1 and that does not depend on N."""
    one = torch.tensor([[1.0, 2.0]])
    ask.equals("with a single pixel it is the block's own table", one, one, want=_table(one, one))
    value = PIXELS.flip(0)
    want = _table(PIXELS / 3, value)
    ask.equals("three pixels: their mean", PIXELS, value, want=want)
    ask.equals("each of them twice: the same", PIXELS.repeat(2, 1), value.repeat(2, 1), want=want)
    ask.holds(
        "columns sum to 1",
        PIXELS,
        value,
        that=lambda table: torch.allclose(table.sum(dim=0), torch.ones(2)),
        expected="columns that sum to 1",
    )


@exercise(
    "ch7.weights",
    hints=[
        "Two steps: how fast does each loss fall, and how is the attention divided among them?",
        "The ratio `now / before` of each loss, divided by the temperature, goes into a softmax.",
        "A softmax sums to 1, and K weights should sum to K: `len(now) * (now / before / temperature).softmax(dim=0)`",
    ],
)
def dynamic_weights(ask: Ask) -> None:
    """Last two values of K losses, (K,) twice, and a temperature give K weights."""
    two, log3 = torch.tensor([1.0, 1.0]), float(torch.tensor(3.0).log())
    ask.equals("losses that move alike weigh alike", torch.tensor([2.0, 0.2]), torch.tensor([4.0, 0.4]), 2.0, want=two)
    slower = torch.tensor([1 + log3, 1.0])
    half_more = torch.tensor([1.5, 0.5])
    ask.equals("the one that falls more slowly weighs more", slower, two, 1.0, want=half_more)
    ask.equals(
        "twice the temperature, half the difference", torch.tensor([1 + 2 * log3, 1.0]), two, 2.0, want=half_more
    )
    ask.equals(
        "only the ratio counts, not the size",
        torch.tensor([10 + 10 * log3, 1.0]),
        torch.tensor([10.0, 1.0]),
        1.0,
        want=half_more,
    )
    ask.equals("three losses share three", torch.ones(3), torch.ones(3), 2.0, want=torch.ones(3))
