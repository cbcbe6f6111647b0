"""Typical wrong answers to chapter 7's exercises; every one must be caught."""

import torch

from mmlib.images import luma, rgb_to_ycbcr, ycbcr_to_rgb


def stretched(raw):
    spread = raw.max() - raw.min()
    return (raw - raw.min()) / spread if spread > 0 else torch.zeros_like(raw)


def far_from_the_mean(greys):
    return stretched((greys.float() - greys.float().mean()).abs())


def far_from_the_median(greys):
    return stretched((greys.float() - greys.float().median()).abs())


def far_from_the_middle_two(greys):
    return stretched((greys.float() - greys.float().quantile(0.5)).abs())


def rare_is_salient(greys):
    return stretched(1 - (greys[:, None] == greys).float().mean(1))


def divides_by_zero(greys):
    raw = (greys[:, None] - greys).abs().float().mean(1)
    return (raw - raw.min()) / (raw.max() - raw.min())


def only_divided_by_the_greatest(greys):
    raw = (greys[:, None] - greys).abs().float().mean(1)
    return raw / raw.max().clamp(min=1e-9)


def every_grey_once(greys):
    return stretched((greys[:, None] - greys.unique()).abs().float().mean(1))


def forgets_biases(width, growth, layers):
    return sum(9 * (width + i * growth) * growth for i in range(layers)) + (width + layers * growth) * width


def forgets_that_it_is_dense(width, growth, layers):
    return layers * (9 * width * growth + growth) + (width + layers * growth) * width + width


def last_is_three_by_three(width, growth, layers):
    grown = sum(9 * (width + i * growth) * growth + growth for i in range(layers))
    return grown + 9 * (width + layers * growth) * width + width


def counts_from_one(width, growth, layers):
    grown = sum(9 * (width + i * growth) * growth + growth for i in range(1, layers + 1))
    return grown + (width + layers * growth) * width + width


def rows_sum_to_one(query, key, value):
    return query @ (key.T @ value / query.shape[1] ** 0.5).softmax(dim=1)


def no_root(query, key, value):
    return query @ (key.T @ value).softmax(dim=0)


def no_soft_max(query, key, value):
    return query @ (key.T @ value) / query.shape[1] ** 0.5


def the_usual_order(query, key, value):
    return (query @ key.T / query.shape[1] ** 0.5).softmax(dim=1) @ value


def values_along_the_rows(query, key, value):
    return query @ (value.T @ key / query.shape[1] ** 0.5).softmax(dim=0)


def mean_over_pixels(query, key, value):
    return query @ (key.T @ value / query.shape[1] ** 0.5 / len(key)).softmax(dim=0)


def all_channels(fused, rgb):
    return fused.expand_as(rgb)


def scales_colours(fused, rgb):
    return rgb * fused / luma(rgb)


def cuts(fused, rgb):
    return ycbcr_to_rgb(torch.cat([fused, rgb_to_ycbcr(rgb)[:, 1:]], dim=1)).clamp(0, 1)


def luma_last(fused, rgb):
    return ycbcr_to_rgb(torch.cat([rgb_to_ycbcr(rgb)[:, 1:], fused], dim=1))


def red_replaced(fused, rgb):
    return torch.cat([fused, rgb[:, 1:]], dim=1)


def sums_to_one(now, before, temperature):
    return (now / before / temperature).softmax(dim=0)


def upside_down(now, before, temperature):
    return len(now) * (before / now / temperature).softmax(dim=0)


def temperature_multiplies(now, before, temperature):
    return len(now) * (now / before * temperature).softmax(dim=0)


def difference_in_place_of_ratio(now, before, temperature):
    return len(now) * ((now - before) / temperature).softmax(dim=0)


def always_two(now, before, temperature):
    return 2 * (now / before / temperature).softmax(dim=0)


MUTANTS = {
    "ch7.saliency": [
        far_from_the_mean, far_from_the_median, far_from_the_middle_two, rare_is_salient, divides_by_zero,
        only_divided_by_the_greatest, every_grey_once,
    ],
    "ch7.dense": [forgets_biases, forgets_that_it_is_dense, last_is_three_by_three, counts_from_one],
    "ch7.attend": [
        rows_sum_to_one, no_root, no_soft_max, the_usual_order, values_along_the_rows, mean_over_pixels,
    ],
    "ch7.colour": [all_channels, scales_colours, cuts, luma_last, red_replaced],
    "ch7.weights": [
        sums_to_one, upside_down, temperature_multiplies, difference_in_place_of_ratio, always_two,
    ],
}  # fmt: skip
