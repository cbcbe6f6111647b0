"""Cityscapes' stereo: from a disparity image and a camera file to depth and a point in space for every pixel."""

import math
from pathlib import Path

import torch
from torch import Tensor

from mmlib.files import read_json
from mmlib.images import read_labels


def read_points(disparity: Path, camera: Path) -> tuple[Tensor, Tensor]:
    """The depth (1,H,W) and the point in space (3,H,W) of every pixel, both in metres."""
    points = points_of(read_disparity(disparity), read_camera(camera))
    return points[2:], points


def read_disparity(path: Path) -> Tensor:
    """A disparity image (16-bit PNG) -> pixels of shift between left and right, (H,W) float32, NaN = not measured.

    A stored p > 0 means (p - 1) / 256, and 0 means nothing (README of cityscapesScripts).
    """
    stored = read_labels(path)
    return torch.where(stored > 0, (stored.float() - 1) / 256, torch.nan)


def read_camera(path: Path) -> dict[str, float]:
    """A camera file -> {fx, fy, cx, cy} in pixels and {baseline} in metres.

    In the file: intrinsic.fx, fy, u0, v0 and extrinsic.baseline. ValueError for what is not such JSON, or not positive.
    """
    try:
        content = read_json(path)
        inner, outer = content["intrinsic"], content["extrinsic"]
        camera = {"fx": inner["fx"], "fy": inner["fy"], "cx": inner["u0"], "cy": inner["v0"]}
        camera = {key: float(value) for key, value in (camera | {"baseline": outer["baseline"]}).items()}
        if not all(math.isfinite(value) for value in camera.values()):
            raise ValueError(f"numbers that are not finite, {camera}")
    except (KeyError, TypeError, ValueError) as error:
        expected = "JSON with intrinsic fx, fy, u0, v0 and extrinsic baseline"
        raise ValueError(f"{path}: expected {expected}, got {error!r}; restore the file") from None
    if min(camera["fx"], camera["fy"], camera["baseline"]) <= 0:
        raise ValueError(f"{path}: expected fx, fy and baseline above 0, got {camera}; restore the file")
    return camera


def points_of(disparity: Tensor, camera: dict[str, float]) -> Tensor:
    """Disparity (H,W) in pixels -> (3,H,W) metres: X right, Y down, Z forward from the left camera.

    Z = fx * baseline / disparity, X = (u - cx) Z / fx, Y = (v - cy) Z / fy. NaN stays NaN; a disparity of 0 lies
    infinitely far, and its X and Y are infinite too.
    """
    height, width = disparity.shape
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    forward = camera["fx"] * camera["baseline"] / disparity
    right, down = (u - camera["cx"]) / camera["fx"] * forward, (v - camera["cy"]) / camera["fy"] * forward
    return torch.stack([right, down, forward])
