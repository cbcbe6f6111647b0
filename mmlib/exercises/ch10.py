"""Hints to chapter 10's exercises: another street's sense, a paired difference, a mean between two levels."""

from mmlib.exercises.checking import Exercise

other_street = Exercise(
    "ch10.other_street",
    hints=[
        "Shuffling at random isn't enough: sometimes a street gets its own picture back.",
        "If every picture moves on by one place, and the last comes first, nobody keeps its own.",
        "`pictures.roll(1, dims=0)` moves along the first axis, that of the streets.",
    ],
)

paired = Exercise(
    "ch10.paired",
    hints=[
        "First subtract, then average: the differences a - b, one per seed, are what scatters.",
        "The standard error of a mean: the standard deviation of what is averaged, over the root of its number.",
        "`d = a - b`, then `d.mean()` and `d.std() / len(d) ** 0.5`.",
    ],
)

between = Exercise(
    "ch10.between",
    hints=[
        "Which two measured levels lie around x? The levels needn't be equally far apart.",
        "Between levels l and r, the share of the way is (x - l) / (r - l).",
        "The answer is (1 - share) times the left score plus share times the right one.",
    ],
)
