"""Typical wrong answers to chapter 4's exercises; every one must be refused."""

import torch
import torch.nn.functional as F


def divides_by_the_length(ix, iy, it):
    return -torch.stack([it * ix, it * iy]) / (ix**2 + iy**2).sqrt().clamp(min=1e-6)


def nan_where_flat(ix, iy, it):
    return -torch.stack([it * ix, it * iy]) / (ix**2 + iy**2)


def only_moves(flow):
    return flow.flip(-1)


def only_turns(flow):
    return flow * torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)


def keeps_the_lengths(flow, size):
    return F.interpolate(flow, size=size, mode="bilinear")


def height_for_u(flow, size):
    factors = torch.tensor([size[0] / flow.shape[2], size[1] / flow.shape[3]]).view(1, 2, 1, 1)
    return F.interpolate(flow, size=size, mode="bilinear") * factors


def reads_the_way_back_at_the_start(forward, backward, tolerance):
    height, width = forward.shape[1:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x2, y2 = x + forward[0].long(), y + forward[1].long()
    inside = (x2 >= 0) & (x2 < width) & (y2 >= 0) & (y2 < height)
    return ~inside | ((forward + backward).norm(dim=0) > tolerance)


def forgets_the_left_edge(forward, backward, tolerance):
    height, width = forward.shape[1:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x2, y2 = x + forward[0].long(), y + forward[1].long()
    inside = (x2 < width) & (y2 >= 0) & (y2 < height)
    home = backward[:, y2.clamp(0, height - 1), x2.clamp(max=width - 1)]  # x2 = -1 is the last column
    return ~inside | ((forward + home).norm(dim=0) > tolerance)


def moves_the_texture(texture):
    later = texture.roll(2, dims=2)
    return texture, later


def shows_nothing(texture):
    grey = torch.full_like(texture, 0.5)
    return grey, grey.clone()


def stripes_the_other_way(texture):
    now = texture[..., :1].expand(texture.shape).clone()
    return now, now.clone()


MUTANTS = {
    "ch4.invisible": [moves_the_texture, shows_nothing, stripes_the_other_way],
    "ch4.normal_flow": [divides_by_the_length, nan_where_flat],
    "ch4.flip": [only_moves, only_turns],
    "ch4.resize": [keeps_the_lengths, height_for_u],
    "ch4.round_trip": [reads_the_way_back_at_the_start, forgets_the_left_edge],
}
