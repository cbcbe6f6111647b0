"""Typical wrong answers to chapter 1's exercises; every one must be caught."""

import torch

from mmlib.images import luma


def plain_mean(rgb, ir):
    return (rgb.mean(1, keepdim=True) + ir) / 2


def keeps_colour(rgb, ir):
    return (rgb + ir) / 2


def brighter_one(rgb, ir):
    return torch.maximum(luma(rgb), ir)


def sum_clamped(rgb, ir):
    return (luma(rgb) + ir).clamp(0, 1)


def loses_the_channel_axis(rgb, ir):
    return ((luma(rgb) + ir) / 2)[:, 0]


def mixes_the_batch(rgb, ir):
    return ((luma(rgb) + ir) / 2).mean(0, keepdim=True).expand_as(ir)


def _grid(image, flow, sign=1, swap=False, outside="zero"):
    H, W = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    u, v = (flow[1], flow[0]) if swap else (flow[0], flow[1])
    x2, y2 = x + sign * u.long(), y + sign * v.long()
    if outside == "wrap":
        return image[:, y2 % H, x2 % W]
    fetched = image[:, y2.clamp(0, H - 1), x2.clamp(0, W - 1)]
    inside = (x2 >= 0) & (x2 < W) & (y2 >= 0) & (y2 < H)
    return fetched * inside if outside == "zero" else fetched


def wrong_direction(image_next, flow):
    return _grid(image_next, flow, sign=-1)


def u_and_v_swapped(image_next, flow):
    return _grid(image_next, flow, swap=True)


def wraps_around(image_next, flow):
    return _grid(image_next, flow, outside="wrap")


def repeats_the_border(image_next, flow):
    return _grid(image_next, flow, outside="repeat")


def one_arrow_for_all(image_next, flow):
    return _grid(image_next, flow[:, :1, :1].expand_as(flow))


def _with_negative_indices(image, flow, inside):
    """Tests only some edges; beyond the others, Python's negative indices or a clamp give wrong pixels."""
    H, W = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    x2, y2 = x + flow[0].long(), y + flow[1].long()
    return image[:, y2.clamp(max=H - 1), x2.clamp(max=W - 1)] * inside(x2, y2, H, W)


def forgets_the_left_edge(image_next, flow):
    return _with_negative_indices(image_next, flow, lambda x, y, H, W: (x < W) & (y >= 0) & (y < H))


def forgets_the_last_row(image_next, flow):
    return _with_negative_indices(image_next, flow, lambda x, y, H, W: (x >= 0) & (x < W) & (y >= 0))


def first_channel_only(image_next, flow):
    return _grid(image_next[:1], flow)


def _best(ir, instances, how, skip_zero=True):
    ids = [int(i) for i in instances.unique() if int(i) or not skip_zero]
    return max(ids, key=lambda i: how(ir[0][instances == i]).item())


def by_sum(ir, instances):
    return _best(ir, instances, torch.sum)


def by_hottest_pixel(ir, instances):
    return _best(ir, instances, torch.max)


def by_median(ir, instances):
    return _best(ir, instances, torch.median)


def counts_the_background(ir, instances):
    return _best(ir, instances, torch.mean, skip_zero=False)


def position_instead_of_id(ir, instances):
    ids = [int(i) for i in instances.unique() if int(i)]
    return ids.index(_best(ir, instances, torch.mean))


def coldest(ir, instances):
    return _best(ir, instances, lambda values: -values.mean())


def answers_with_a_mask(ir, instances):
    return instances == _best(ir, instances, torch.mean)


MUTANTS = {
    "ch1.average": [plain_mean, keeps_colour, brighter_one, sum_clamped, loses_the_channel_axis, mixes_the_batch],
    "ch1.look_back": [
        wrong_direction,
        u_and_v_swapped,
        wraps_around,
        repeats_the_border,
        one_arrow_for_all,
        forgets_the_left_edge,
        forgets_the_last_row,
        first_channel_only,
    ],
    "ch1.warmest": [
        by_sum,
        by_hottest_pixel,
        by_median,
        counts_the_background,
        position_instead_of_id,
        coldest,
        answers_with_a_mask,
    ],
}
