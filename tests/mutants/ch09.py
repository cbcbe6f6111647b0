"""Typical wrong answers to chapter 9's exercises; every one must be caught."""

import torch


def counts_padding(h, words):
    return (h * words[..., None]).sum(dim=1) / h.shape[1]


def reads_padding(h, words):
    return h.mean(dim=1)


def sums_padding(h, words):
    return h.sum(dim=1) / words.sum(dim=1)[:, None]


def nan_times_zero(h, words):
    return (h * words[..., None]).sum(dim=1) / words.sum(dim=1)[:, None]


def one_count_for_all(h, words):
    return torch.where(words[..., None], h, 0.0).sum(dim=1) / words.sum() * len(words)


def corners_to_corners(height, width):
    y, x = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


def left_ends(height, width):
    y, x = 2 * torch.arange(height) / height - 1, 2 * torch.arange(width) / width - 1
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


def _middles(height, width):
    y, x = (2 * torch.arange(height) + 1) / height - 1, (2 * torch.arange(width) + 1) / width - 1
    return x.expand(height, width), y[:, None].expand(height, width)


def y_first(height, width):
    x, y = _middles(height, width)
    return torch.stack([y, x])


def upside_down(height, width):
    x, y = _middles(height, width)
    return torch.stack([x, -y])


def no_threshold(logits, least):
    return logits.argmax(dim=0)


def sigmoids(logits, least):
    trust, labels = logits.sigmoid().max(dim=0)
    return torch.where(trust < least, 255, labels)


def wrong_axis(logits, least):
    trust, labels = logits.softmax(dim=-1).max(dim=0)
    return torch.where(trust < least, 255, labels)


def thresholds_logits(logits, least):
    trust, labels = logits.max(dim=0)
    return torch.where(trust < least, 255, labels)


def _grid(depth):
    return torch.meshgrid(*map(torch.arange, depth.shape), indexing="ij")


def rows_and_columns_swapped(depth, f, cx, cy):
    u, v = _grid(depth)
    points = torch.stack([(u - cx) * depth / f, (v - cy) * depth / f, depth])
    return torch.where(depth.isfinite(), points, torch.nan)


def y_up(depth, f, cx, cy):
    v, u = _grid(depth)
    points = torch.stack([(u - cx) * depth / f, (cy - v) * depth / f, depth])
    return torch.where(depth.isfinite(), points, torch.nan)


def forgets_the_sky(depth, f, cx, cy):
    v, u = _grid(depth)
    return torch.stack([(u - cx) * depth / f, (v - cy) * depth / f, depth])


def forgets_the_centre(depth, f, cx, cy):
    v, u = _grid(depth)
    points = torch.stack([u * depth / f, v * depth / f, depth])
    return torch.where(depth.isfinite(), points, torch.nan)


def times_the_focal_length(depth, f, cx, cy):
    v, u = _grid(depth)
    points = torch.stack([(u - cx) * depth * f, (v - cy) * depth * f, depth])
    return torch.where(depth.isfinite(), points, torch.nan)


def mean_of_shown(miou, shown, classes):
    return sum(shown) / len(shown)


def divides_by_all(miou, shown, classes):
    return (classes * miou - sum(shown)) / classes


def difference_of_means(miou, shown, classes):
    if len(shown) == classes:
        raise ValueError
    return miou - sum(shown) / max(1, len(shown))


def divides_by_nothing(miou, shown, classes):
    return (classes * miou - sum(shown)) / (classes - len(shown) or 1)


MUTANTS = {
    "ch9.mean": [counts_padding, reads_padding, sums_padding, nan_times_zero, one_count_for_all],
    "ch9.centres": [corners_to_corners, left_ends, y_first, upside_down],
    "ch9.stack": [no_threshold, sigmoids, wrong_axis, thresholds_logits],
    "ch9.lift": [rows_and_columns_swapped, y_up, forgets_the_sky, forgets_the_centre, times_the_focal_length],
    "ch9.hidden": [mean_of_shown, divides_by_all, difference_of_means, divides_by_nothing],
}
