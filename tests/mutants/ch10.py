"""Typical wrong answers to chapter 10's exercises; every one must be refused."""

import torch


def shuffles_at_random(pictures):
    return pictures[torch.randperm(len(pictures))]


def turns_the_order_around(pictures):
    return pictures.flip(0)


def forgets_the_pairs(a, b):
    n = len(a)
    return a.mean() - b.mean(), ((a.var() + b.var()) / n) ** 0.5


def spread_of_one_run(a, b):
    d = a - b
    return d.mean(), d.std()


def takes_the_nearest(x, levels, scores):
    nearest = min(range(len(levels)), key=lambda k: abs(levels[k] - x))
    return scores[nearest]


def sees_the_ends_alone(x, levels, scores):
    share = (x - levels[0]) / (levels[-1] - levels[0])
    return (1 - share) * scores[0] + share * scores[-1]


MUTANTS = {
    "ch10.other_street": [shuffles_at_random, turns_the_order_around],
    "ch10.paired": [forgets_the_pairs, spread_of_one_run],
    "ch10.between": [takes_the_nearest, sees_the_ends_alone],
}
