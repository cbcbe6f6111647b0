"""Typical wrong answers to chapter 7's exercises; every one must be refused."""

import torch

from mmlib.images import luma, rgb_to_ycbcr, ycbcr_to_rgb


def stretched(raw):
    spread = raw.max() - raw.min()
    return (raw - raw.min()) / spread if spread > 0 else torch.zeros_like(raw)


def far_from_the_mean(greys):
    return stretched((greys.float() - greys.float().mean()).abs())


def divides_by_zero(greys):
    raw = (greys[:, None] - greys).abs().float().mean(1)
    return (raw - raw.min()) / (raw.max() - raw.min())


def forgets_biases(width, growth, layers):
    return sum(9 * (width + i * growth) * growth for i in range(layers)) + (width + layers * growth) * width


def counts_from_one(width, growth, layers):
    grown = sum(9 * (width + i * growth) * growth + growth for i in range(1, layers + 1))
    return grown + (width + layers * growth) * width + width


def rows_sum_to_one(query, key, value):
    return query @ (key.T @ value / query.shape[1] ** 0.5).softmax(dim=1)


def values_along_the_rows(query, key, value):
    return query @ (value.T @ key / query.shape[1] ** 0.5).softmax(dim=0)


def scales_colours(fused, rgb):
    return rgb * fused / luma(rgb)


def cuts(fused, rgb):
    return ycbcr_to_rgb(torch.cat([fused, rgb_to_ycbcr(rgb)[:, 1:]], dim=1)).clamp(0, 1)


def sums_to_one(now, before, temperature):
    return (now / before / temperature).softmax(dim=0)


def difference_in_place_of_ratio(now, before, temperature):
    return len(now) * ((now - before) / temperature).softmax(dim=0)


MUTANTS = {
    "ch7.saliency": [far_from_the_mean, divides_by_zero],
    "ch7.dense": [forgets_biases, counts_from_one],
    "ch7.attend": [rows_sum_to_one, values_along_the_rows],
    "ch7.colour": [scales_colours, cuts],
    "ch7.weights": [sums_to_one, difference_in_place_of_ratio],
}
