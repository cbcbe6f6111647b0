"""Typical wrong answers to chapter 2's exercises; every one must be caught."""

import torch
import torch.nn.functional as F


def negative_above(rows, f, height, horizon):
    return f * height / (rows - horizon)


def absolute_row(rows, f, height, horizon):
    return torch.where(rows > horizon, f * height / rows, torch.inf)


def without_height(rows, f, height, horizon):
    return torch.where(rows > horizon, f / (rows - horizon), torch.inf)


def upside_down(rows, f, height, horizon):
    return torch.where(rows < horizon, f * height / (horizon - rows), torch.inf)


def inverse(rows, f, height, horizon):
    return torch.where(rows > horizon, (rows - horizon) / (f * height), torch.inf)


def zero_above(rows, f, height, horizon):
    return torch.where(rows > horizon, f * height / (rows - horizon).clamp(min=1e-9), 0.0)


def _sorted(depth, instances, how, background=False):
    ids = [i for i in instances.unique().tolist() if i != 0 or background]
    return sorted((how(depth[0][instances == i]).item(), i) for i in ids)


def always_says_one(depth, instances):
    far = _sorted(depth, instances, torch.median)
    return far[0][1] if far else 0


def counts_background(depth, instances):
    far = _sorted(depth, instances, torch.median, background=True)
    return 0 if not far or (len(far) > 1 and far[1][0] < 1.1 * far[0][0]) else far[0][1]


def by_minimum(depth, instances):
    far = _sorted(depth, instances, torch.min)
    return 0 if not far or (len(far) > 1 and far[1][0] < 1.1 * far[0][0]) else far[0][1]


def by_mean(depth, instances):
    far = _sorted(depth, instances, torch.mean)
    return 0 if not far or (len(far) > 1 and far[1][0] < 1.1 * far[0][0]) else far[0][1]


def margin_in_metres(depth, instances):
    far = _sorted(depth, instances, torch.median)
    return 0 if not far or (len(far) > 1 and far[1][0] < far[0][0] + 0.8) else far[0][1]


def tenth_of_the_farther(depth, instances):
    far = _sorted(depth, instances, torch.median)
    return 0 if not far or (len(far) > 1 and far[0][0] > 0.9 * far[1][0]) else far[0][1]


def farthest(depth, instances):
    far = _sorted(depth, instances, torch.median)[::-1]
    return 0 if not far or (len(far) > 1 and far[0][0] < 1.1 * far[1][0]) else far[0][1]


def needs_two(depth, instances):
    far = _sorted(depth, instances, torch.median)
    return 0 if len(far) < 2 or far[1][0] < 1.1 * far[0][0] else far[0][1]


def too_strict(depth, instances):
    far = _sorted(depth, instances, torch.median)
    return 0 if not far or (len(far) > 1 and far[1][0] < 1.5 * far[0][0]) else far[0][1]


def counts_unknown(labels, n):
    known = labels[labels != 255]
    if ((known < 0) | (known >= n)).any():
        raise ValueError
    return torch.bincount(known, minlength=n).float() / labels.numel()


def no_check(labels, n):
    known = labels[(labels >= 0) & (labels < n)]
    return torch.bincount(known, minlength=n).float() / max(known.numel(), 1)


def only_present(labels, n):
    known = labels[labels != 255]
    if ((known < 0) | (known >= n)).any():
        raise ValueError
    counts = known.unique(return_counts=True)[1].float()
    return counts / counts.sum().clamp(min=1)


def divides_by_zero(labels, n):
    known = labels[labels != 255]
    if ((known < 0) | (known >= n)).any():
        raise ValueError
    counts = torch.bincount(known, minlength=n).float()
    return counts / counts.sum()


def raw_counts(labels, n):
    known = labels[labels != 255]
    if ((known < 0) | (known >= n)).any():
        raise ValueError
    return torch.bincount(known, minlength=n).float()


def refuses_unknown(labels, n):
    if ((labels < 0) | (labels >= n)).any():
        raise ValueError
    counts = torch.bincount(labels.flatten(), minlength=n).float()
    return counts / counts.sum()


def averaged(labels, k):
    return F.avg_pool2d(labels[None, None].float(), k)[0, 0].round().long()


def picks_a_corner(labels, k):
    return labels[::k, ::k]


def _blocks(labels, k):
    H, W = labels.shape
    return labels.view(H // k, k, W // k, k).transpose(1, 2).reshape(H // k, W // k, k * k)


def unknown_votes(labels, k):
    return F.one_hot(_blocks(labels, k), 256).sum(2).argmax(2)


def unknown_becomes_zero(labels, k):
    return F.one_hot(_blocks(labels, k), 256).sum(2)[..., :255].argmax(2)


def wrong_blocks(labels, k):
    H, W = labels.shape
    votes = F.one_hot(labels.reshape(H // k, W // k, k * k), 256).sum(2)[..., :255]
    return torch.where(votes.sum(2) > 0, votes.argmax(2), 255)


def largest_number(labels, k):
    known = torch.where(labels == 255, -1, labels)
    best = F.max_pool2d(known[None, None].float(), k)[0, 0].long()
    return torch.where(best < 0, 255, best)


def larger_of_a_tie(labels, k):
    votes = F.one_hot(_blocks(labels, k), 256).sum(2)[..., :255]
    best = 254 - votes.flip(2).argmax(2)
    return torch.where(votes.sum(2) > 0, best, 255)


MUTANTS = {
    "ch2.ground_distance": [negative_above, absolute_row, without_height, upside_down, inverse, zero_above],
    "ch2.nearest": [
        always_says_one,
        counts_background,
        by_minimum,
        by_mean,
        margin_in_metres,
        tenth_of_the_farther,
        farthest,
        needs_two,
        too_strict,
    ],
    "ch2.shares": [counts_unknown, no_check, only_present, divides_by_zero, raw_counts, refuses_unknown],
    "ch2.shrink": [
        averaged,
        picks_a_corner,
        unknown_votes,
        unknown_becomes_zero,
        wrong_blocks,
        largest_number,
        larger_of_a_tie,
    ],
}
