"""Typical wrong answers to chapter 5's exercises; every one must be caught."""

import math

import torch


def counts_the_classes(counts):
    return math.log(len(counts))


def costs_of_the_commonest_class(counts):
    return -torch.log(counts.max() / counts.sum())


def in_bits(counts):
    p = counts[counts > 0] / counts.sum()
    return -(p * p.log2()).sum()


def forgets_the_empty_class(counts):
    p = counts / counts.sum()
    return -(p * p.log()).sum()


def share_of_zeros(features):
    return (features == 0).float().mean()


def dead_in_some_picture(features):
    return (features == 0).all(dim=(2, 3)).any(dim=0).float().mean()


def looks_at_the_first_picture(features):
    return (features[0] == 0).all(dim=(1, 2)).float().mean()


def nearly_dead_is_dead(features):
    return (features.amax(dim=(0, 2, 3)) < 1e-3).float().mean()


def rounds_down(effect, spread):
    return max(2, int((2.8 * spread / effect) ** 2))


def forgets_the_square(effect, spread):
    return max(2, math.ceil(2.8 * spread / abs(effect)))


def one_run_is_enough(effect, spread):
    return math.ceil((2.8 * spread / effect) ** 2)


MUTANTS = {
    "ch5.blind_loss": [counts_the_classes, costs_of_the_commonest_class, in_bits, forgets_the_empty_class],
    "ch5.never_fires": [share_of_zeros, dead_in_some_picture, looks_at_the_first_picture, nearly_dead_is_dead],
    "ch5.seeds": [rounds_down, forgets_the_square, one_run_is_enough],
}
