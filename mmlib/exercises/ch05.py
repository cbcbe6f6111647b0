"""What chapter 5's exercises ask for: the loss of a blind guess, dead units, a number of seeds."""

import math

import torch
from torch import Tensor

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise


@exercise(
    "ch5.blind_loss",
    hints=[
        "The guess gives every pixel the same probabilities. Which ones cost least? Those of the training pixels.",
        "With shares p, a pixel of class k costs -log(p[k]), and a share p[k] of all pixels has that class.",
        "So it is -(p * p.log()).sum(). A class without pixels costs nothing, but 0 * log(0) is NaN: leave it out.",
    ],
)
def blind_loss(ask: Ask) -> None:
    """The mean cross-entropy of the best guess that does not look: the entropy of the classes' shares, in nats."""
    ask.equals("eleven equal classes cost ln 11", torch.full((11,), 5), want=math.log(11))
    ask.equals("one class alone costs nothing", torch.tensor([7]), want=0.0)
    ask.equals("three quarters and one quarter", torch.tensor([3, 1]), want=0.562335)
    ask.equals("ten times as many pixels change nothing", torch.tensor([30, 10]), want=0.562335)
    ask.equals("the order of the classes changes nothing", torch.tensor([1, 3]), want=0.562335)
    ask.equals("a class that never occurs changes nothing", torch.tensor([3, 1, 0]), want=0.562335)


def _features(rows: list[list[list[float]]]) -> Tensor:
    """Pictures x channels x places, as (B, C, 1, places)."""
    return torch.tensor(rows).unsqueeze(2)


@exercise(
    "ch5.never_fires",
    hints=[
        "A unit is a channel. It is dead if no place of any picture of the batch makes it fire.",
        "First find out, per channel, whether it fires anywhere: one answer for each of the C channels.",
        "`(features > 0).any(dim=(0, 2, 3))` says who fires. The share of the others is the answer.",
    ],
)
def never_fires(ask: Ask) -> None:
    """The share of channels that are 0 at every place of every picture, (B, C, H, W) after a ReLU."""
    one, dead = [1.0, 2.0], [0.0, 0.0]
    ask.equals("a channel that is 0 everywhere is dead", _features([[one, dead]]), want=0.5)
    ask.equals("zeros here and there are what a ReLU is for", _features([[[0.0, 3.0], [2.0, 0.0]]]), want=0.0)
    ask.equals("it may fire in one picture only", _features([[one, dead], [one, one]]), want=0.0)
    ask.equals("it may fire in the first picture only", _features([[one, one], [one, dead]]), want=0.0)
    ask.equals("it may fire very weakly", _features([[one, [0.0, 1e-6]]]), want=0.0)
    ask.equals("three of four", _features([[one, dead, dead, dead], [one, dead, dead, dead]]), want=0.75)


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
    ask.equals("an effect as large as the spread", 1.0, 1.0, want=8)
    ask.equals("half the effect takes four times the seeds, before rounding", 0.5, 1.0, want=32)
    ask.equals("twice the spread does the same", 1.0, 2.0, want=32)
    ask.equals("a whole number is not rounded further", 14.0, 25.0, want=25)
    ask.equals("a loss needs as many seeds as a gain", -1.0, 1.0, want=8)
    ask.equals("never fewer than two: one run has no spread", 10.0, 0.5, want=2)
