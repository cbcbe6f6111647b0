"""Typical wrong answers to chapter 5's exercises; every one must be refused."""

import math

import torch


def costs_of_the_commonest_class(counts):
    return -torch.log(counts.max() / counts.sum())


def forgets_the_empty_class(counts):
    p = counts / counts.sum()
    return -(p * p.log()).sum()


def share_of_zeros(features):
    return (features == 0).float().mean()


def nearly_dead_is_dead(features):
    return (features.amax(dim=(0, 2, 3)) < 1e-3).float().mean()


def rounds_down(effect, spread):
    return max(2, int((2.8 * spread / effect) ** 2))


def one_run_is_enough(effect, spread):
    return math.ceil((2.8 * spread / effect) ** 2)


MUTANTS = {
    "ch5.blind_loss": [costs_of_the_commonest_class, forgets_the_empty_class],
    "ch5.never_fires": [share_of_zeros, nearly_dead_is_dead],
    "ch5.seeds": [rounds_down, one_run_is_enough],
}
