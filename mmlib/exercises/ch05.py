"""Hints to chapter 5's exercises: the loss of a blind guess, dead units, a number of seeds."""

from mmlib.exercises.checking import Exercise

blind_loss = Exercise(
    "ch5.blind_loss",
    hints=[
        "The guess gives every pixel the same probabilities. Which ones cost least? Those of the training pixels.",
        "With shares p, a pixel of class k costs -log(p[k]), and a share p[k] of all pixels has that class.",
        "So it is -(p * p.log()).sum(). A class without pixels costs nothing, but 0 * log(0) is NaN: leave it out.",
    ],
)

never_fires = Exercise(
    "ch5.never_fires",
    hints=[
        "A unit is a channel. It is dead if no place of any picture of the batch makes it fire.",
        "First find out, per channel, whether it fires anywhere: one answer for each of the C channels.",
        "`(features > 0).any(dim=(0, 2, 3))` says who fires. The share of the others is the answer.",
    ],
)

seeds_needed = Exercise(
    "ch5.seeds",
    hints=[
        "With n pairs the mean scatters by spread / sqrt(n). Set the effect equal to 2.8 times that and solve for n.",
        "n = (2.8 * spread / effect) ** 2, and seeds come in whole numbers: `math.ceil` rounds up.",
        "The square takes care of a negative effect. `max(2, ...)` takes care of the rest.",
    ],
)
