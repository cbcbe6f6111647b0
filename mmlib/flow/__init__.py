"""Optical flow: where every pixel goes between two frames.

A flow is a tensor (B, 2, H, W): u to the right, v downwards, in pixels. It lives on the grid of the first frame: the
pixel at (x, y) is found at (x + u, y + v) in the next one. NaN, or a component of 1e9 or more, means unknown.
"""

from mmlib.flow.colour import flow_legend, flow_to_rgb
from mmlib.flow.estimators import METHODS, MethodMissing, available, estimate
from mmlib.flow.occluded import occlusion
from mmlib.flow.resizing import resize_flow
from mmlib.flow.warping import UNKNOWN, known, pixel_grid, valid_mask, warp

__all__ = [
    "METHODS",
    "UNKNOWN",
    "MethodMissing",
    "available",
    "estimate",
    "flow_legend",
    "flow_to_rgb",
    "known",
    "occlusion",
    "pixel_grid",
    "resize_flow",
    "valid_mask",
    "warp",
]
