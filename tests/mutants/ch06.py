"""Typical wrong answers to chapter 6's exercises; every one must be refused."""

import torch


def _shown(flow, factor):
    rows = torch.arange(flow.shape[2]) // factor
    columns = torch.arange(flow.shape[3]) // factor
    return flow[:, :, rows][..., columns]


def moves_only(flow, factor):
    return _shown(flow, factor)


def scales_only(flow, factor):
    return factor * flow


def shortens(flow, factor):
    return _shown(flow, factor) / factor


def scales_u_only(flow, factor):
    shown = _shown(flow, factor)
    return torch.cat([factor * shown[:, :1], shown[:, 1:]], dim=1)


def takes_every_nth(flow, factor):
    rows = torch.arange(flow.shape[2]) * factor % flow.shape[2]
    columns = torch.arange(flow.shape[3]) * factor % flow.shape[3]
    return factor * flow[:, :, rows][..., columns]


def zero_never_learns(zero_last, zero_before):
    return not zero_last, not zero_before


def all_learn(zero_last, zero_before):
    return True, True


def forgets_the_relu(zero_last, zero_before):
    return not zero_before, not zero_last


def last_always_learns(zero_last, zero_before):
    return True, not zero_last and not zero_before


def reads_one_path(classes, mixed):
    return 9 * classes * mixed + 9 * mixed**2 + 4 * mixed + mixed * classes + classes


def without_norms(classes, mixed):
    return 18 * classes * mixed + 9 * mixed**2 + mixed * classes + classes


def without_the_last_bias(classes, mixed):
    return 18 * classes * mixed + 9 * mixed**2 + 4 * mixed + mixed * classes


def biases_everywhere(classes, mixed):
    return 18 * classes * mixed + 9 * mixed**2 + 6 * mixed + mixed * classes + classes


def trips_over_the_sky(u, x, z, a):
    return u - x * (z / (z - a) - 1)


def first_order_only(u, x, z, a):
    return u - x * a / z


def adds_it(u, x, z, a):
    return u + x * a / (z - a)


def forgets_the_side(u, x, z, a):
    return u - x.abs() * a / (z - a)


def backwards(u, x, z, a):
    return u - x * a / (z + a)


def any_correction(image, correction):
    return (correction != 0).any(dim=0)


def large_correction(image, correction):
    return correction.abs().amax(dim=0) > 1


def larger_than_the_score(image, correction):
    return correction.amax(dim=0) > image.amax(dim=0)


def asks_the_correction_alone(image, correction):
    return image.argmax(dim=0) != correction.argmax(dim=0)


def over_the_wrong_axis(image, correction):
    return image.argmax(dim=1) != (image + correction).argmax(dim=1)


MUTANTS = {
    "ch6.zoom": [moves_only, scales_only, shortens, scales_u_only, takes_every_nth],
    "ch6.zero": [zero_never_learns, all_learn, forgets_the_relu, last_always_learns],
    "ch6.count": [reads_one_path, without_norms, without_the_last_bias, biases_everywhere],
    "ch6.own": [trips_over_the_sky, first_order_only, adds_it, forgets_the_side, backwards],
    "ch6.overruled": [
        any_correction,
        large_correction,
        larger_than_the_score,
        asks_the_correction_alone,
        over_the_wrong_axis,
    ],
}
