"""A flow at another resolution: the grid and the vectors change together."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.flow.warping import check_flow, known


def resize_flow(flow: Tensor, size: tuple[int, int], *, mode: str = "bilinear") -> Tensor:
    """Resize a flow to `size` = (H', W') and scale its vectors by W'/W and H'/H, since they count pixels.

    Args:
        flow: (B, 2, H, W), pixels. Unknown vectors (NaN, 1e9) become NaN and, under "bilinear", widen by one pixel.
        size: (height, width) of the result.
        mode: "bilinear", "area" (averages, for shrinking) or "nearest" (no new vectors at motion boundaries).

    Returns:
        (B, 2, H', W'), pixels of the new grid. Pixels are areas here (`align_corners=False`), as for resized images.

    Raises:
        TypeError, ValueError: a wrong dtype, shape, size or mode.
    """
    height, width = check_flow(flow).shape[-2:]
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size must be (height, width), both at least 1; got {tuple(size)}")
    if mode not in ("bilinear", "area", "nearest"):
        raise ValueError(f"mode must be 'bilinear', 'area' or 'nearest'; got {mode!r}")
    options = {"align_corners": False} if mode == "bilinear" else {}
    flow = flow.where(known(flow), torch.nan)
    resized = F.interpolate(flow, size=tuple(size), mode="nearest-exact" if mode == "nearest" else mode, **options)
    return resized * flow.new_tensor([size[1] / width, size[0] / height]).view(1, 2, 1, 1)
