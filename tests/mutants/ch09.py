"""Typical wrong answers to chapter 9's exercises; every one must be refused."""

import torch


def counts_padding(h, is_word):
    return (h * is_word[..., None]).sum(dim=1) / h.shape[1]


def nan_times_zero(h, is_word):
    return (h * is_word[..., None]).sum(dim=1) / is_word.sum(dim=1)[:, None]


def corners_to_corners(height, width):
    y, x = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


def _middles(height, width):
    y, x = (2 * torch.arange(height) + 1) / height - 1, (2 * torch.arange(width) + 1) / width - 1
    return x.expand(height, width), y[:, None].expand(height, width)


def y_first(height, width):
    x, y = _middles(height, width)
    return torch.stack([y, x])


def sigmoids(logits, least):
    trust, labels = logits.sigmoid().max(dim=0)
    return torch.where(trust < least, 255, labels)


def wrong_axis(logits, least):
    trust, labels = logits.softmax(dim=-1).max(dim=0)
    return torch.where(trust < least, 255, labels)


def one_over_the_mean(counts):
    return len(counts) / sum(counts)


def one_over_the_most(counts):
    return 1 / max(counts)


def divides_by_all(miou, shown, classes):
    return (classes * miou - sum(shown)) / classes


def difference_of_means(miou, shown, classes):
    if len(shown) == classes:
        raise ValueError
    return miou - sum(shown) / max(1, len(shown))


MUTANTS = {
    "ch9.mean": [counts_padding, nan_times_zero],
    "ch9.centres": [corners_to_corners, y_first],
    "ch9.stack": [sigmoids, wrong_axis],
    "ch9.luck": [one_over_the_mean, one_over_the_most],
    "ch9.hidden": [divides_by_all, difference_of_means],
}
