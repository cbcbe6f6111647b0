"""Looking up the next frame through a flow."""

import torch
from torch import Tensor

UNKNOWN = 1e9
"""Middlebury's mark: a component this large means that the vector is not known, as NaN does."""


def check_flow(flow: Tensor) -> Tensor:
    """Return `flow` when it is a float tensor (B, 2, H, W); else raise an error that says what it is."""
    if not isinstance(flow, Tensor) or not flow.is_floating_point():
        raise TypeError(f"flow must be a float tensor (B, 2, H, W); got {getattr(flow, 'dtype', type(flow).__name__)}")
    if flow.ndim != 4 or flow.shape[1] != 2:
        raise ValueError(
            f"flow must have shape (B, 2, H, W); got {tuple(flow.shape)}: add a batch axis with flow[None]"
        )
    return flow


def known(flow: Tensor) -> Tensor:
    """Which vectors of a flow are known, (B, 1, H, W) bool: finite, and shorter than UNKNOWN in both directions."""
    return (flow.abs() < UNKNOWN).all(dim=1, keepdim=True)  # False for NaN too


def pixel_grid(
    height: int, width: int, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Tensor:
    """The coordinates of every pixel centre, (1, 2, H, W): x in channel 0, y in channel 1, from (0, 0)."""
    y, x = torch.meshgrid(
        torch.arange(height, device=device, dtype=dtype), torch.arange(width, device=device, dtype=dtype), indexing="ij"
    )
    return torch.stack([x, y])[None]


def _landing(flow: Tensor) -> Tensor:
    """Where each pixel lands in the next frame, (B, 2, H, W).

    In float64 where the device has it: in a frame 768 pixels wide a float32 coordinate is off by 1e-4 of a pixel once
    it has been scaled to [-1, 1] and back.
    """
    dtype = torch.float32 if flow.device.type == "mps" else torch.float64
    return pixel_grid(*flow.shape[-2:], device=flow.device, dtype=dtype) + flow.to(dtype)


def valid_mask(flow: Tensor) -> Tensor:
    """Where the flow is known and stays inside the frame, (B, H, W) bool.

    A pixel that lands on or between pixel centres, 0 <= x <= W-1 and 0 <= y <= H-1, is inside. Unknown vectors (NaN,
    infinite, 1e9) are not.
    """
    height, width = check_flow(flow).shape[-2:]
    x, y = _landing(flow).unbind(dim=1)
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def warp(image_next: Tensor, flow: Tensor, *, mode: str = "bilinear", padding: str = "zeros") -> Tensor:
    """Bring the next frame back to the time of the first: out(x, y) = image_next(x + u, y + v).

    Args:
        image_next: (B, C, H, W) float, the frame at t+1.
        flow: (B, 2, H, W), pixels, from t to t+1, on the grid of t.
        mode: "bilinear", "nearest" or "bicubic".
        padding: what lies outside the frame: "zeros", "border" (the nearest edge pixel) or "reflection".

    Returns:
        (B, C, H, W) in the dtype of `image_next`, differentiable with respect to both. Coordinates count pixel centres
        (`align_corners=True`), so a zero flow returns the image itself. Where the flow is unknown the result is 0; ask
        `valid_mask` which pixels mean something.

    Raises:
        TypeError, ValueError: wrong dtype or shapes, or an unknown mode or padding.
    """
    from kornia.geometry.transform import remap

    _check_warp(image_next, check_flow(flow), mode, padding)
    sure = known(flow)
    x, y = _landing(flow.where(sure, 0.0)).unbind(dim=1)
    # Kornia's default, align_corners=None, moves an image by up to half a pixel even where the flow is zero.
    warped = remap(image_next.to(x.dtype), x, y, mode=mode, padding_mode=padding, align_corners=True)
    return warped.to(image_next.dtype).where(sure, 0.0)


def _check_warp(image: Tensor, flow: Tensor, mode: str, padding: str) -> None:
    """Explain what is wrong with the arguments of `warp`, if anything is."""
    if not isinstance(image, Tensor) or not image.is_floating_point():
        got = getattr(image, "dtype", type(image).__name__)
        raise TypeError(f"image_next must be a float tensor; got {got}: use labels.float() with mode='nearest' for ids")
    if image.ndim != 4 or image.shape[0] != flow.shape[0] or image.shape[-2:] != flow.shape[-2:]:
        raise ValueError(
            f"image_next (B, C, H, W) and flow (B, 2, H, W) must share B, H and W; got {tuple(image.shape)} and "
            f"{tuple(flow.shape)}: resize the flow with resize_flow"
        )
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"mode must be 'bilinear', 'nearest' or 'bicubic'; got {mode!r}")
    if padding not in ("zeros", "border", "reflection"):
        raise ValueError(f"padding must be 'zeros', 'border' or 'reflection'; got {padding!r}")
