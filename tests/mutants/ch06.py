"""Typical wrong answers to chapter 6's exercises; every one must be caught."""

import torch
import torch.nn.functional as F


def leaves_it_small(features, n):
    return F.adaptive_avg_pool2d(features, n)


def blends(features, n):
    return F.interpolate(F.adaptive_avg_pool2d(features, n), features.shape[-2:], mode="bilinear")


def takes_the_largest(features, n):
    return F.interpolate(F.adaptive_max_pool2d(features, n), features.shape[-2:], mode="nearest")


def regions_of_n_by_n_pixels(features, n):
    return F.interpolate(F.avg_pool2d(features, n), features.shape[-2:], mode="nearest")


def mixes_channels(features, n):
    return F.interpolate(F.adaptive_avg_pool2d(features, n), features.shape[-2:]).mean(1, True).expand_as(features)


def nothing_times_infinity(image, flow, mix, trust):
    return image + trust * mix(torch.cat([image, flow], dim=1))


def flow_first(image, flow, mix, trust):
    return image if trust == 0 else image + trust * mix(torch.cat([flow, image], dim=1))


def replaces(image, flow, mix, trust):
    return image if trust == 0 else trust * mix(torch.cat([image, flow], dim=1))


def trusts_fully(image, flow, mix, trust):
    return image if trust == 0 else image + mix(torch.cat([image, flow], dim=1))


def corrects_the_flow(image, flow, mix, trust):
    return image if trust == 0 else flow + trust * mix(torch.cat([image, flow], dim=1))


def with_a_bias(inputs, outputs, kernel):
    return outputs * inputs * kernel**2 + 3 * outputs


def without_the_norm(inputs, outputs, kernel):
    return outputs * inputs * kernel**2


def a_kernel_is_a_line(inputs, outputs, kernel):
    return outputs * inputs * kernel + 2 * outputs


def norm_of_the_inputs(inputs, outputs, kernel):
    return outputs * inputs * kernel**2 + 2 * inputs


def moves_only(flow):
    return flow.flip(-1)


def negates_only(flow):
    return flow * torch.tensor([-1.0, 1.0]).view(2, 1, 1)


def negates_both(flow):
    return -flow.flip(-1)


def negates_v(flow):
    return flow.flip(-1) * torch.tensor([1.0, -1.0]).view(2, 1, 1)


def turns_around(flow):
    return flow.flip(-1, -2) * torch.tensor([-1.0, 1.0]).view(2, 1, 1)


def in_place(flow):
    flow[:, 0] *= -1
    return flow.flip(-1)


def _padded(labels, how):
    padded = F.pad(labels[:, None].float(), (1, 1, 1, 1), mode=how)[:, 0]
    shifted = (padded[:, 1:-1, 2:], padded[:, 1:-1, :-2], padded[:, 2:, 1:-1], padded[:, :-2, 1:-1])
    return torch.stack([s != labels for s in shifted]).any(dim=0)


def border_is_an_edge(labels):
    return _padded(labels + 1, "constant")


def one_side_only(labels):
    found = torch.zeros_like(labels, dtype=torch.bool)
    found[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    found[..., 1:] |= labels[..., 1:] != labels[..., :-1]
    return found


def columns_only(labels):
    found = torch.zeros_like(labels, dtype=torch.bool)
    across = labels[..., 1:] != labels[..., :-1]
    found[..., 1:] |= across
    found[..., :-1] |= across
    return found


def diagonals_too(labels):
    ids = labels[:, None].float()
    return (F.max_pool2d(ids, 3, 1, 1) != -F.max_pool2d(-ids, 3, 1, 1))[:, 0]


def pictures_are_neighbours(labels):
    found = _padded(labels, "replicate")
    found[1:] |= labels[1:] != labels[:-1]
    return found


MUTANTS = {
    "ch6.pool": [leaves_it_small, blends, takes_the_largest, regions_of_n_by_n_pixels, mixes_channels],
    "ch6.fuse": [nothing_times_infinity, flow_first, replaces, trusts_fully, corrects_the_flow],
    "ch6.count": [with_a_bias, without_the_norm, a_kernel_is_a_line, norm_of_the_inputs],
    "ch6.flip": [moves_only, negates_only, negates_both, negates_v, turns_around, in_place],
    "ch6.edge": [border_is_an_edge, one_side_only, columns_only, diagonals_too, pictures_are_neighbours],
}
