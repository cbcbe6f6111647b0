"""Optical flow: end-point error, KITTI's outlier share, angular error.

The true flow comes first: `epe(flow, prediction)`. Flow is (B,2,H,W), (u right, v down), in pixels; `valid` is (B,H,W)
bool, by default every pixel. A vector that is unknown (NaN, infinite or 1e9) where it should be valid is an error.
Where nothing is valid the value is nan.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmlib.flow import known


def epe(flow: Tensor, prediction: Tensor, valid: Tensor | None = None, *, average: str = "pixel") -> float:
    """End-point error in pixels, the mean length of prediction - flow.

    average: "pixel" pools the pixels of all images (Chairs, Sintel); "image" averages the images' means, so that an
    image with few valid pixels weighs as much as a full one (how RAFT reports KITTI).
    """
    error, _, valid = _errors(flow, prediction, valid)
    return _mean(error, valid, average)


def fl_all(
    flow: Tensor, prediction: Tensor, valid: Tensor | None = None, *, average: str = "pixel", pixels: float = 3.0
) -> float:
    """KITTI's Fl-all as a share in [0, 1]: errors above 3 pixels and above 5 % of the true length, both strictly.

    Pooled over pixels by default. Where nothing moves, the 5 % are 0 pixels.
    """
    error, length, valid = _errors(flow, prediction, valid)
    return _mean(((error > pixels) & (error > 0.05 * length)).double(), valid, average)


def share_within(
    flow: Tensor, prediction: Tensor, valid: Tensor | None = None, *, pixels: float, average: str = "pixel"
) -> float:
    """Share in [0, 1] of pixels with an end-point error below `pixels` (RAFT's 1px, 3px, 5px)."""
    error, _, valid = _errors(flow, prediction, valid)
    return _mean((error < pixels).double(), valid, average)


def angular_error(flow: Tensor, prediction: Tensor, valid: Tensor | None = None, *, average: str = "pixel") -> float:
    """Mean angle in degrees between (u, v, 1) and its prediction (Barron et al. 1994).

    The third component keeps the angle defined where nothing moves, and makes it small for small motions whatever their
    direction.
    """
    _errors(flow, prediction, valid)
    a, b = (torch.cat([x.double(), torch.ones_like(x[:, :1]).double()], dim=1) for x in (flow, prediction))
    angle = torch.atan2(torch.linalg.cross(a, b, dim=1).norm(dim=1), (a * b).sum(dim=1)).rad2deg()
    return _mean(angle, _everything(flow) if valid is None else valid, average)


def _errors(flow: Tensor, prediction: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """End-point errors and true lengths (B,H,W) in float64, and the mask."""
    if flow.ndim != 4 or flow.shape[1] != 2 or flow.shape != prediction.shape:
        raise ValueError(f"flow and prediction must be (B,2,H,W), got {tuple(flow.shape)}, {tuple(prediction.shape)}")
    valid = _everything(flow) if valid is None else valid
    if valid.dtype != torch.bool or valid.shape != flow[:, 0].shape:
        raise ValueError(f"valid must be bool {tuple(flow[:, 0].shape)}, got {valid.dtype} {tuple(valid.shape)}")
    for name, field in (("flow", flow), ("prediction", prediction)):
        if not bool((known(field) | ~valid[:, None]).all()):
            raise ValueError(
                f"{name} holds NaN or infinite vectors, or 1e9, at valid pixels; mask them: valid=known(flow)[:, 0]"
            )
    flow, prediction = flow.double(), prediction.double()
    return (prediction - flow).norm(dim=1), flow.norm(dim=1), valid


def _everything(flow: Tensor) -> Tensor:
    return torch.ones_like(flow[:, 0], dtype=torch.bool)


def _mean(values: Tensor, valid: Tensor, average: str) -> float:
    if average not in ("pixel", "image"):
        raise ValueError(f"average must be 'pixel' or 'image', got {average!r}")
    if average == "pixel":
        return float(values[valid].mean())
    values = values.masked_fill(~valid, 0.0)
    return float((values.sum(dim=(1, 2)) / valid.sum(dim=(1, 2))).nanmean())
