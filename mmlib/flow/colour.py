"""Flow as colour: the direction is the hue, the length is the strength of the colour."""

import math

import torch
from torch import Tensor

from mmlib.flow.warping import check_flow, known, pixel_grid

TOO_LONG = 0.75  # the brightness of vectors longer than the scale, as on the Middlebury pages


def flow_to_rgb(flow: Tensor, max_flow: float | None = None) -> Tensor:
    """Colour a flow: still is white, right is red, down is yellow-green, left is cyan, up is violet.

    In hue, saturation and value: hue = atan2(v, u), saturation = |flow| / max_flow up to 1, value = 1. Vectors longer
    than `max_flow` are darker, unknown ones (NaN, 1e9) black. Same idea as the Middlebury colour wheel (Baker et al.,
    IJCV 2011), with evenly spread hues.

    Args:
        flow: (B, 2, H, W), pixels.
        max_flow: the length, in pixels, that gets the full colour. Give the same number to every picture that will be
            compared. None takes the longest known vector of the batch, or 1 if nothing moves.

    Returns:
        (B, 3, H, W) float32 in [0, 1].

    Raises:
        TypeError, ValueError: a wrong dtype or shape, or a max_flow that is not positive and finite.
    """
    from kornia.color import hsv_to_rgb

    sure = known(check_flow(flow))
    u, v = flow.detach().float().where(sure, 0.0).unbind(dim=1)
    length = torch.hypot(u, v)
    if max_flow is None:
        max_flow = float(length.max()) or 1.0
    if not (math.isfinite(max_flow) and max_flow > 0):
        raise ValueError(f"max_flow must be a positive length in pixels; got {max_flow}")
    hue = torch.atan2(v, u) % (2 * math.pi)
    # A hair of tolerance, so that a vector of exactly the full length does not go dark through rounding.
    value = torch.where(length > max_flow * (1 + 1e-6), TOO_LONG, 1.0) * sure[:, 0]
    return hsv_to_rgb(torch.stack([hue, (length / max_flow).clamp(max=1), value], dim=1))


def flow_legend(size: int = 64) -> Tensor:
    """The key to `flow_to_rgb`, (3, size, size): the colour of each vector drawn from the centre.

    The disc that touches the edges holds the vectors up to `max_flow`; the darker corners stand for longer ones.
    """
    if size < 3:
        raise ValueError(f"size must be at least 3 pixels; got {size}")
    radius = (size - 1) / 2
    return flow_to_rgb(pixel_grid(size, size) - radius, max_flow=radius)[0]
