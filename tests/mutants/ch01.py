"""Typical wrong answers to chapter 1's exercises; every one must be refused."""

import torch

from mmlib.images import luma


def plain_mean(rgb, ir):
    return (rgb.mean(1, keepdim=True) + ir) / 2


def mixes_the_batch(rgb, ir):
    return ((luma(rgb) + ir) / 2).mean(0, keepdim=True).expand_as(ir)


def bright_in_both(mask):
    inside = 0.3 + 0.4 * mask[None].float()
    return inside.expand(3, -1, -1), inside


def cold_where_nothing_is_seen(mask):
    return torch.full((3, *mask.shape), 0.5), 0.7 - 0.4 * mask[None].float()


def other_steps(mask):
    inside = mask[None].float()
    return (0.2 + 0.6 * inside).expand(3, -1, -1), 0.7 - 0.4 * inside


def u_and_v_swapped(image_next, flow):
    H, W = image_next.shape[-2:]
    y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    x2, y2 = x + flow[1].long(), y + flow[0].long()
    inside = (x2 >= 0) & (x2 < W) & (y2 >= 0) & (y2 < H)
    return image_next[:, y2.clamp(0, H - 1), x2.clamp(0, W - 1)] * inside


def forgets_the_left_edge(image_next, flow):
    H, W = image_next.shape[-2:]
    y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    x2, y2 = x + flow[0].long(), y + flow[1].long()
    inside = (x2 < W) & (y2 >= 0) & (y2 < H)
    return image_next[:, y2.clamp(0, H - 1), x2.clamp(max=W - 1)] * inside  # x2 = -1 is the last column


def by_median(ir, instances):
    ids = [i for i in instances.unique().tolist() if i != 0]
    return max(ids, key=lambda i: ir[0][instances == i].median().item())


def counts_the_background(ir, instances):
    return max(instances.unique().tolist(), key=lambda i: ir[0][instances == i].mean().item())


MUTANTS = {
    "ch1.average": [plain_mean, mixes_the_batch],
    "ch1.vanish": [bright_in_both, cold_where_nothing_is_seen, other_steps],
    "ch1.look_back": [u_and_v_swapped, forgets_the_left_edge],
    "ch1.warmest": [by_median, counts_the_background],
}
