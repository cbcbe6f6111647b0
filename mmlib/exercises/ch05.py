"""What chapter 5's exercises ask for: a schedule, a number of seeds, a fair share of a batch."""

from collections.abc import Callable

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise


@exercise(
    "ch5.rate",
    hints=[
        "There are two cases, `step < first` and the rest. In each, how far along are we, as a share of its length?",
        "While it climbs, the share at step 0 is 1/first, not 0: a step with rate 0 would be wasted.",
        "While it falls: `(step - first)` of `(steps - first)` steps are done, and 1 minus that share is the answer.",
    ],
)
def rate(ask: Ask) -> None:
    """Linear warm-up, then linear decay: (step, steps, first) give a share of the full rate."""
    ask.equals("the first step already walks, by 1/first", 0, 10, 4, want=0.25)
    ask.equals("the last step of the climb has the full rate", 3, 10, 4, want=1.0)
    ask.equals("the fall starts from the full rate", 4, 10, 4, want=1.0)
    ask.equals("halfway down it is one half", 7, 10, 4, want=0.5)
    ask.equals("the last step still walks", 9, 10, 4, want=1 / 6)
    ask.equals("without a climb it only falls", 2, 8, 0, want=0.75)
    ask.equals("all but the last step may be climbing", 4, 5, 4, want=1.0)


@exercise(
    "ch5.seeds",
    hints=[
        "With n pairs the mean scatters by spread / sqrt(n). Set the effect equal to 2.8 times that and solve for n.",
        "n = (2.8 * spread / effect) ** 2, and seeds come in whole numbers: `math.ceil` rounds up.",
        "The square takes care of a negative effect. `max(2, ...)` takes care of the rest.",
    ],
)
def seeds_needed(ask: Ask) -> None:
    """The smallest number of seeds that shows an effect in four cases out of five, by the rule of thumb."""
    ask.equals("an effect as large as the scatter", 1.0, 1.0, want=8)
    ask.equals("half the effect takes four times the seeds, before rounding", 0.5, 1.0, want=32)
    ask.equals("twice the scatter does the same", 1.0, 2.0, want=32)
    ask.equals("a whole number is not rounded further", 14.0, 25.0, want=25)
    ask.equals("a loss needs as many seeds as a gain", -1.0, 1.0, want=8)
    ask.equals("never fewer than two: one run has no scatter", 10.0, 0.5, want=2)


BATCH = {"rgb": torch.arange(4.0).view(4, 1, 1, 1), "name": ["a", "b", "c", "d"]}


def _is(first: int, last: int) -> Callable[[dict], bool]:
    """Whether an answer holds the samples from `first` up to `last` of BATCH, and nothing else."""

    def judge(got: dict) -> bool:
        same = list(got) == list(BATCH) and got["name"] == BATCH["name"][first:last]
        return same and torch.equal(got["rgb"], BATCH["rgb"][first:last])

    return judge


@exercise(
    "ch5.share",
    hints=[
        "How many samples has the batch, and can they be divided at all? Any one of its values knows their number.",
        "`len(next(iter(batch.values())))` counts them. Each process gets `samples // size`; where does `rank` start?",
        "Tensors and lists are both sliced by `values[a:b]`. Check `samples % size` before anything else.",
    ],
)
def share(ask: Ask) -> None:
    """The part of a batch that one of several processes works on."""
    ask.holds("alone one gets everything", BATCH, 0, 1, that=_is(0, 4), expected="the whole batch")
    ask.holds("the first of two gets the first half", BATCH, 0, 2, that=_is(0, 2), expected="samples a and b")
    ask.holds("the second gets the second half", BATCH, 1, 2, that=_is(2, 4), expected="samples c and d")
    one = "sample c alone, its tensor still with four axes"
    ask.holds("the third of four gets one sample", BATCH, 2, 4, that=_is(2, 3), expected=one)
    ask.refuses("four samples are no equal shares for three", BATCH, 0, 3, error=ValueError)
