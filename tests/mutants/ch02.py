"""Typical wrong answers to chapter 2's exercises; every one must be refused."""

import torch
import torch.nn.functional as F


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


def counts_unknown(labels, n):
    known = labels[labels != 255]
    if ((known < 0) | (known >= n)).any():
        raise ValueError
    return torch.bincount(known, minlength=n).float() / labels.numel()


def no_check(labels, n):
    known = labels[(labels >= 0) & (labels < n)]
    return torch.bincount(known, minlength=n).float() / max(known.numel(), 1)


def unknown_becomes_zero(labels, k):
    H, W = labels.shape
    blocks = labels.view(H // k, k, W // k, k).transpose(1, 2).reshape(H // k, W // k, k * k)
    return F.one_hot(blocks, 256).sum(2)[..., :255].argmax(2)


def wrong_blocks(labels, k):
    H, W = labels.shape
    votes = F.one_hot(labels.reshape(H // k, W // k, k * k), 256).sum(2)[..., :255]
    return torch.where(votes.sum(2) > 0, votes.argmax(2), 255)


MUTANTS = {
    "ch2.ground_distance": [negative_above, absolute_row],
    "ch2.nearest": [by_mean, tenth_of_the_farther],
    "ch2.shares": [counts_unknown, no_check],
    "ch2.shrink": [unknown_becomes_zero, wrong_blocks],
}
