"""Typical wrong answers to chapter 4's exercises; every one must be caught."""

import torch
import torch.nn.functional as F


def wrong_sign(ix, iy, it):
    squared = (ix**2 + iy**2).clamp(min=1e-12)
    return torch.stack([it * ix, it * iy]) / squared


def divides_by_the_length(ix, iy, it):
    return -torch.stack([it * ix, it * iy]) / (ix**2 + iy**2).sqrt().clamp(min=1e-6)


def nan_where_flat(ix, iy, it):
    return -torch.stack([it * ix, it * iy]) / (ix**2 + iy**2)


def each_axis_alone(ix, iy, it):
    safe = [torch.where(d == 0, torch.inf, d) for d in (ix, iy)]
    return torch.stack([-it / safe[0], -it / safe[1]])


def one_edge_for_all(ix, iy, it):
    squared = (ix**2 + iy**2).mean().clamp(min=1e-12)
    return -torch.stack([it * ix, it * iy]) / squared


def only_moves(flow):
    return flow.flip(-1)


def only_turns(flow):
    return flow * torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)


def turns_both(flow):
    return -flow.flip(-1)


def turns_the_wrong_one(flow):
    return flow.flip(-1) * torch.tensor([1.0, -1.0]).view(1, 2, 1, 1)


def upside_down(flow):
    return flow.flip(-2) * torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)


def swaps_u_and_v(flow):
    return flow.flip(-1).flip(1)


def keeps_the_lengths(flow, size):
    return F.interpolate(flow, size=size, mode="bilinear")


def _scaled(flow, size, u, v):
    return F.interpolate(flow, size=size, mode="bilinear") * torch.tensor([u, v]).view(1, 2, 1, 1)


def scales_the_wrong_way(flow, size):
    return _scaled(flow, size, flow.shape[3] / size[1], flow.shape[2] / size[0])


def height_for_u(flow, size):
    return _scaled(flow, size, size[0] / flow.shape[2], size[1] / flow.shape[3])


def one_factor_for_both(flow, size):
    return _scaled(flow, size, size[1] / flow.shape[3], size[1] / flow.shape[3])


def averages_everything(flow, size):
    return _scaled(flow.mean(dim=(2, 3), keepdim=True), size, size[1] / flow.shape[3], size[0] / flow.shape[2])


def _trip(forward, backward, tolerance, *, here=False, minus=False, forgives_leaving=False, swap=False):
    height, width = forward.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    u, v = (forward[1], forward[0]) if swap else (forward[0], forward[1])
    x2, y2 = x + u.long(), y + v.long()
    inside = (x2 >= 0) & (x2 < width) & (y2 >= 0) & (y2 < height)
    back = backward if here else backward[:, y2.clamp(0, height - 1), x2.clamp(0, width - 1)]
    gap = (forward - back if minus else forward + back).norm(dim=0)
    return (gap > tolerance) | (False if forgives_leaving else ~inside)


def reads_the_way_back_at_the_start(forward, backward, tolerance):
    return _trip(forward, backward, tolerance, here=True)


def subtracts(forward, backward, tolerance):
    return _trip(forward, backward, tolerance, minus=True)


def forgives_leaving(forward, backward, tolerance):
    return _trip(forward, backward, tolerance, forgives_leaving=True)


def _with_negative_indices(forward, backward, tolerance, left, top):
    """Tests only some edges; beyond the others, Python's negative indices read the way back at the far side."""
    height, width = forward.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x2, y2 = x + forward[0].long(), y + forward[1].long()
    inside = (x2 >= left) & (x2 < width) & (y2 >= top) & (y2 < height)
    home = backward[:, y2.clamp(max=height - 1), x2.clamp(max=width - 1)]
    return ~inside | ((forward + home).norm(dim=0) > tolerance)


def forgets_the_left_edge(forward, backward, tolerance):
    return _with_negative_indices(forward, backward, tolerance, left=-forward.shape[-1], top=0)


def forgets_the_top_edge(forward, backward, tolerance):
    return _with_negative_indices(forward, backward, tolerance, left=0, top=-forward.shape[-2])


def rows_for_columns(forward, backward, tolerance):
    return _trip(forward, backward, tolerance, swap=True)


def ignores_the_tolerance(forward, backward, tolerance):
    return _trip(forward, backward, 0.5)


def says_visible(forward, backward, tolerance):
    return ~_trip(forward, backward, tolerance)


MUTANTS = {
    "ch4.normal_flow": [wrong_sign, divides_by_the_length, nan_where_flat, each_axis_alone, one_edge_for_all],
    "ch4.flip": [only_moves, only_turns, turns_both, turns_the_wrong_one, upside_down, swaps_u_and_v],
    "ch4.resize": [
        keeps_the_lengths,
        scales_the_wrong_way,
        height_for_u,
        one_factor_for_both,
        averages_everything,
    ],
    "ch4.round_trip": [
        reads_the_way_back_at_the_start,
        subtracts,
        forgives_leaving,
        forgets_the_left_edge,
        forgets_the_top_edge,
        rows_for_columns,
        ignores_the_tolerance,
        says_visible,
    ],
}
