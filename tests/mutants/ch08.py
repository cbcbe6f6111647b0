"""Typical wrong answers to chapter 8's exercises; every one must be caught."""

import torch

from mmlib.losses.fusion import edges


def never_stops(place, length, size):
    return place - size // 2


def stops_at_the_start_only(place, length, size):
    return max(place - size // 2, 0)


def one_short_of_the_end(place, length, size):
    return min(max(place - size // 2, 0), length - size - 1)


def not_centred(place, length, size):
    return min(max(place - size, 0), length - size)


def forgets_the_seven(height, width, levels):
    unit = 2 ** (levels + 1)
    return tuple(side + -side % unit for side in (height, width))


def one_level_less(height, width, levels):
    unit = 2**levels
    return tuple(max(7 * unit, side + -side % unit) for side in (height, width))


def always_one_more(height, width, levels):
    unit = 2 ** (levels + 1)
    return tuple(max(7 * unit, (side // unit + 1) * unit) for side in (height, width))


def square(height, width, levels):
    unit, side = 2 ** (levels + 1), max(height, width)
    return (max(7 * unit, side + -side % unit),) * 2


def strengths(visible, ir):
    return [edges(image).mean(dim=(1, 2, 3)) for image in (visible, ir)]


def no_edge_is_nan(visible, ir):
    seen, felt = strengths(visible, ir)
    return seen / (seen + felt), felt / (seen + felt)


def over_the_whole_batch(visible, ir):
    seen, felt = edges(visible).mean(), edges(ir).mean()
    share = (seen / (seen + felt)).nan_to_num(0.5).expand(len(visible))
    return share, 1 - share


def exchanged(visible, ir):
    seen, felt = strengths(visible, ir)
    share = torch.where(seen + felt > 0, felt / (seen + felt), 0.5)
    return share, 1 - share


def by_brightness(visible, ir):
    seen, felt = visible.mean(dim=(1, 2, 3)), ir.mean(dim=(1, 2, 3))
    return seen / (seen + felt), felt / (seen + felt)


def by_the_largest_edge(visible, ir):
    seen, felt = (edges(image).amax(dim=(1, 2, 3)) for image in (visible, ir))
    share = torch.where(seen + felt > 0, seen / (seen + felt), 0.5)
    return share, 1 - share


def by_contrast(visible, ir):
    seen, felt = (image.std(dim=(1, 2, 3)) for image in (visible, ir))
    share = torch.where(seen + felt > 0, seen / (seen + felt), 0.5)
    return share, 1 - share


def squared(visible, ir):
    seen, felt = (edges(image).square().mean(dim=(1, 2, 3)) for image in (visible, ir))
    share = torch.where(seen + felt > 0, seen / (seen + felt), 0.5)
    return share, 1 - share


def only_the_first_half(gates):
    return (1 - gates.amax(dim=1)).mean()


def only_the_second_half(gates):
    return gates.mean()


def largest_of_all(gates):
    return 1 - gates.amax() + gates.mean()


def sums_the_gates(gates):
    return (1 - gates.amax(dim=1)).mean() + gates.sum(dim=1).mean()


def largest_along_a_row(gates):
    return (1 - gates.amax(dim=3)).mean() + gates.mean()


def clips_first(gradient, scale, limit):
    return gradient * min(1.0, limit / max(float(gradient.norm()), 1e-12)) / scale


def never_unscales(gradient, scale, limit):
    return gradient * min(1.0, limit / max(float(gradient.norm()), 1e-12))


def always_that_long(gradient, scale, limit):
    true = gradient / scale
    return true * (limit / true.norm().clamp(min=1e-12))


def each_number_by_itself(gradient, scale, limit):
    return (gradient / scale).clamp(-limit, limit)


def in_place(gradient, scale, limit):
    gradient /= scale
    return gradient * min(1.0, limit / max(float(gradient.norm()), 1e-12))


MUTANTS = {
    "ch8.window": [never_stops, stops_at_the_start_only, one_short_of_the_end, not_centred],
    "ch8.size": [forgets_the_seven, one_level_less, always_one_more, square],
    "ch8.weights": [
        no_edge_is_nan,
        over_the_whole_batch,
        exchanged,
        by_brightness,
        by_the_largest_edge,
        by_contrast,
        squared,
    ],
    "ch8.diversity": [
        only_the_first_half,
        only_the_second_half,
        largest_of_all,
        sums_the_gates,
        largest_along_a_row,
    ],
    "ch8.clip": [clips_first, never_unscales, always_that_long, each_number_by_itself, in_place],
}
