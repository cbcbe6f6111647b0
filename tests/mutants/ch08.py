"""Typical wrong answers to chapter 8's exercises; every one must be refused."""

import torch

from mmlib.losses.fusion import edges


def stops_at_the_start_only(place, length, size):
    return max(place - size // 2, 0)


def one_short_of_the_end(place, length, size):
    return min(max(place - size // 2, 0), length - size - 1)


def forgets_the_seven(side, levels):
    unit = 2 ** (levels + 1)
    return side + -side % unit


def always_one_more(side, levels):
    unit = 2 ** (levels + 1)
    return max(7 * unit, (side // unit + 1) * unit)


def strengths(visible, ir):
    return [edges(image).mean(dim=(1, 2, 3)) for image in (visible, ir)]


def no_edge_is_nan(visible, ir):
    strength_vis, strength_ir = strengths(visible, ir)
    total = strength_vis + strength_ir
    return strength_vis / total, strength_ir / total


def over_the_whole_batch(visible, ir):
    strength_vis, strength_ir = edges(visible).mean(), edges(ir).mean()
    share = (strength_vis / (strength_vis + strength_ir)).nan_to_num(0.5).expand(len(visible))
    return share, 1 - share


def one_gate_for_everything(image, count):
    gates = torch.zeros(len(image), count, *image.shape[2:])
    gates[:, 0] = 1.0
    return gates


def rounds_to_the_nearest_step(image, count):
    level = ((count - 1) * image).round().long()
    return torch.zeros(len(image), count, *image.shape[2:]).scatter(1, level, 1.0)


def clips_first(gradient, scale, limit):
    return gradient * min(1.0, limit / max(float(gradient.norm()), 1e-12)) / scale


def in_place(gradient, scale, limit):
    gradient /= scale
    return gradient * min(1.0, limit / max(float(gradient.norm()), 1e-12))


MUTANTS = {
    "ch8.window": [stops_at_the_start_only, one_short_of_the_end],
    "ch8.size": [forgets_the_seven, always_one_more],
    "ch8.weights": [no_edge_is_nan, over_the_whole_batch],
    "ch8.divide": [one_gate_for_everything, rounds_to_the_nearest_step],
    "ch8.clip": [clips_first, in_place],
}
