"""Typical wrong answers to chapter 2's exercises; every one must be refused."""

import torch


def negative_above(rows, f, height, horizon):
    return f * height / (rows - horizon)


def absolute_row(rows, f, height, horizon):
    return torch.where(rows > horizon, f * height / rows, torch.inf)


def _sorted(depth, instances, how):
    ids = [i for i in instances.unique().tolist() if i != 0]
    return sorted((how(depth[0][instances == i]).item(), i) for i in ids)


def by_mean(depth, instances):
    far = _sorted(depth, instances, torch.mean)
    return 0 if not far or (len(far) > 1 and far[1][0] < 1.1 * far[0][0]) else far[0][1]


def tenth_of_the_farther(depth, instances):
    far = _sorted(depth, instances, torch.median)
    return 0 if not far or (len(far) > 1 and far[0][0] > 0.9 * far[1][0]) else far[0][1]


def farther_by_some_metres(depth, advance):
    return depth + 10, 1.5 * advance


def only_faster(depth, advance):
    return depth, 2 * advance


def far_and_slow(depth, advance):
    return 2 * depth, advance / 2


MUTANTS = {
    "ch2.ground_distance": [negative_above, absolute_row],
    "ch2.other_street": [farther_by_some_metres, only_faster, far_and_slow],
    "ch2.nearest": [by_mean, tenth_of_the_farther],
}
