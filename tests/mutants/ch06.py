"""Typical wrong answers to chapter 6's exercises; every one must be refused."""

import torch


def moves_only(flow, factor):
    rows = torch.arange(flow.shape[2]) // factor
    columns = torch.arange(flow.shape[3]) // factor
    return flow[:, :, rows][..., columns]


def scales_only(flow, factor):
    return factor * flow


def zero_never_learns(zero_last, zero_before):
    return not zero_last, not zero_before


def forgets_the_relu(zero_last, zero_before):
    return not zero_before, not zero_last


def reads_one_path(classes, mixed):
    return 9 * classes * mixed + 9 * mixed**2 + 4 * mixed + mixed * classes + classes


def without_norms(classes, mixed):
    return 18 * classes * mixed + 9 * mixed**2 + mixed * classes + classes


def trips_over_the_sky(u, x, z, a):
    return u - x * (z / (z - a) - 1)


def first_order_only(u, x, z, a):
    return u - x * a / z


def large_correction(image, correction):
    return correction.abs().amax(dim=0) > 1


def asks_the_correction_alone(image, correction):
    return image.argmax(dim=0) != correction.argmax(dim=0)


MUTANTS = {
    "ch6.zoom": [moves_only, scales_only],
    "ch6.zero": [zero_never_learns, forgets_the_relu],
    "ch6.count": [reads_one_path, without_norms],
    "ch6.own": [trips_over_the_sky, first_order_only],
    "ch6.overruled": [large_correction, asks_the_correction_alone],
}
