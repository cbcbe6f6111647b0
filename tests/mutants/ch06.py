"""Typical wrong answers to chapter 6's exercises; every one must be refused."""

import torch
import torch.nn.functional as F


def blends(features, n):
    return F.interpolate(F.adaptive_avg_pool2d(features, n), features.shape[-2:], mode="bilinear")


def regions_of_n_by_n_pixels(features, n):
    return F.interpolate(F.avg_pool2d(features, n), features.shape[-2:], mode="nearest")


def nothing_times_infinity(image, flow, mix, trust):
    return image + trust * mix(torch.cat([image, flow], dim=1))


def flow_first(image, flow, mix, trust):
    return image if trust == 0 else image + trust * mix(torch.cat([flow, image], dim=1))


def with_a_bias(inputs, outputs, kernel):
    return outputs * inputs * kernel**2 + 3 * outputs


def without_the_norm(inputs, outputs, kernel):
    return outputs * inputs * kernel**2


def moves_only(flow):
    return flow.flip(-1)


def in_place(flow):
    flow[:, 0] *= -1
    return flow.flip(-1)


def one_side_only(labels):
    found = torch.zeros_like(labels, dtype=torch.bool)
    found[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    found[..., 1:] |= labels[..., 1:] != labels[..., :-1]
    return found


def diagonals_too(labels):
    ids = labels[:, None].float()
    return (F.max_pool2d(ids, 3, 1, 1) != -F.max_pool2d(-ids, 3, 1, 1))[:, 0]


MUTANTS = {
    "ch6.pool": [blends, regions_of_n_by_n_pixels],
    "ch6.fuse": [nothing_times_infinity, flow_first],
    "ch6.count": [with_a_bias, without_the_norm],
    "ch6.flip": [moves_only, in_place],
    "ch6.edge": [one_side_only, diagonals_too],
}
