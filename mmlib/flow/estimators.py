"""Optical flow from two frames, by three methods behind one call."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib.files import read_state

METHODS = ("farneback", "dis", "raft")

RAFT_FILES = {  # torchvision's default weights, by the name they have in torch's cache
    "small": "raft_small_C_T_V2-01064c6d.pth",
    "large": "raft_large_C_T_SKHT_V2-ff5fadd5.pth",
}
RAFT_SMALLEST = 128  # its correlation pyramid needs 16 cells of 8 pixels each way


class MethodMissing(FileNotFoundError):
    """A method exists, but what it needs is not on this machine."""


def available(method: str, *, weights: str | Path | None = None, model: str = "small") -> bool:
    """Whether `estimate(..., method=method)` can run here. Nothing is downloaded to find out."""
    _check_method(method)
    return method != "raft" or _raft_file(weights, model).is_file()


def estimate(rgb: Tensor, rgb_next: Tensor, method: str = "dis", **options) -> Tensor:
    """Optical flow from `rgb` to `rgb_next`, (B, 2, H, W) float32 in pixels, on the device of `rgb`.

    Args:
        rgb, rgb_next: (B, 3, H, W) or (B, 1, H, W) float in [0, 1]: colour, grey or infrared.
        method: one of `METHODS`.
            "farneback": polynomial expansion (Farneback, SCIA 2003), see `farneback` for its options.
            "dis": dense inverse search (Kroeger et al., ECCV 2016), see `dis`.
            "raft": recurrent all-pairs transforms (Teed and Deng, ECCV 2020) by torchvision, see `raft`.
        options: passed to the function of that name.

    Raises:
        ValueError, TypeError: an unknown method, wrong shapes, values outside [0, 1], NaN.
        MethodMissing: RAFT's weights are not here.
    """
    _check_method(method)
    _check_pair(rgb, rgb_next)
    with torch.no_grad():
        flow = {"farneback": farneback, "dis": dis, "raft": raft}[method](rgb, rgb_next, **options)
    return flow.to(rgb.device)


def farneback(
    rgb: Tensor,
    rgb_next: Tensor,
    *,
    pyramid_scale: float = 0.5,
    levels: int = 5,
    window: int = 15,
    iterations: int = 3,
    neighbourhood: int = 5,
    sigma: float = 1.1,
    gaussian: bool = True,
) -> Tensor:
    """Farneback's flow by OpenCV, on luma.

    OpenCV calls the options pyr_scale, levels, winsize, iterations, poly_n, poly_sigma, and the flag GAUSSIAN: weigh
    the window by a Gaussian, which is slower and more accurate than a box.
    """
    import cv2

    if min(levels, iterations) < 1 or window < 3 or neighbourhood < 3 or not 0 < pyramid_scale < 1:
        raise ValueError(
            "expected levels, iterations >= 1, window, neighbourhood >= 3 and 0 < pyramid_scale < 1; "
            f"got {levels}, {iterations}, {window}, {neighbourhood} and {pyramid_scale}"
        )
    flags = cv2.OPTFLOW_FARNEBACK_GAUSSIAN if gaussian else 0
    numbers = (pyramid_scale, levels, window, iterations, neighbourhood, sigma, flags)
    return _by_opencv(lambda a, b: cv2.calcOpticalFlowFarneback(a, b, None, *numbers), rgb, rgb_next)


def dis(rgb: Tensor, rgb_next: Tensor, *, preset: str = "medium", finest_scale: int | None = None) -> Tensor:
    """Dense inverse search by OpenCV, on luma.

    Args:
        preset: "ultrafast", "fast" or "medium".
        finest_scale: the last pyramid level that is solved: 0 is full resolution; None keeps the preset's (1 for
            "medium", 2 for the others), which is then enlarged.
    """
    import cv2

    presets = {name: getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{name.upper()}") for name in ("ultrafast", "fast", "medium")}
    if preset not in presets:
        raise ValueError(f"preset must be one of {', '.join(presets)}; got {preset!r}")
    if finest_scale is not None and not 0 <= finest_scale <= 10:
        raise ValueError(f"finest_scale must be a pyramid level from 0 (full resolution) to 10; got {finest_scale}")
    solver = cv2.DISOpticalFlow_create(presets[preset])
    if finest_scale is not None:
        solver.setFinestScale(finest_scale)
    return _by_opencv(lambda a, b: solver.calc(a, b, None), rgb, rgb_next)


def raft(
    rgb: Tensor,
    rgb_next: Tensor,
    *,
    model: str = "small",
    weights: str | Path | None = None,
    updates: int = 12,
    device: str | torch.device | None = None,
) -> Tensor:
    """RAFT by torchvision, with weights that are already here: nothing is downloaded.

    Args:
        model: "small" (1 M parameters) or "large" (5 M).
        weights: the path of a state_dict; None looks in torch's cache, where torchvision puts its own.
        updates: recurrent refinements.
        device: where to run; None takes the device of `rgb`. Frames are padded to multiples of 8.
    """
    if min(rgb.shape[-2:]) < RAFT_SMALLEST:
        raise ValueError(f"RAFT needs at least {RAFT_SMALLEST}x{RAFT_SMALLEST} pixels; got {tuple(rgb.shape[-2:])}")
    device = torch.device(device) if device else rgb.device
    net = _raft_net(_raft_file(weights, model), model).to(device)
    height, width = rgb.shape[-2:]
    room = (0, -width % 8, 0, -height % 8)
    frames = [
        F.pad(x.to(device).float().expand(-1, 3, -1, -1) * 2 - 1, room, mode="replicate") for x in (rgb, rgb_next)
    ]
    return net(*frames, num_flow_updates=updates)[-1][..., :height, :width]


def _by_opencv(solve, rgb: Tensor, rgb_next: Tensor) -> Tensor:
    """Run an OpenCV solver, which wants one pair of 8-bit grey images at a time."""
    import cv2

    from mmlib.images import luma8

    pairs = zip(*(luma8(frames)[:, 0].cpu().numpy() for frames in (rgb, rgb_next)))
    try:
        return torch.stack([torch.from_numpy(solve(a, b)).permute(2, 0, 1) for a, b in pairs])
    except cv2.error as error:
        size = "x".join(map(str, rgb.shape[-2:]))
        raise ValueError(f"OpenCV refuses {size} pixels with these options ({error.err}): use larger frames") from error


def _raft_file(weights: str | Path | None, model: str) -> Path:
    """Where RAFT's weights are, or would be."""
    if model not in RAFT_FILES:
        raise ValueError(f"model must be one of {', '.join(RAFT_FILES)}; got {model!r}")
    return Path(weights) if weights else Path(torch.hub.get_dir()) / "checkpoints" / RAFT_FILES[model]


def _raft_net(path: Path, model: str) -> torch.nn.Module:
    """torchvision's RAFT with the weights of `path`, ready to use."""
    from torchvision.models import optical_flow

    if not path.is_file():
        fetch = f"Raft_{model.title()}_Weights.DEFAULT.get_state_dict()"
        raise MethodMissing(
            f"RAFT's weights are not here: no file {path}. With a network, "
            f"`python -c 'from torchvision.models.optical_flow import *; {fetch}'` puts them there; "
            "or give weights=PATH, or use method='dis'"
        )
    net = {"small": optical_flow.raft_small, "large": optical_flow.raft_large}[model](weights=None)
    try:
        net.load_state_dict(read_state(path))
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold the weights of RAFT {model}: delete it and fetch it again") from error
    return net.eval()


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")


def _check_pair(rgb: Tensor, rgb_next: Tensor) -> None:
    """Explain what is wrong with two frames, if anything is."""
    from mmlib.images import check_image

    check_image(rgb, name="rgb")
    check_image(rgb_next, name="rgb_next")
    if rgb.ndim != 4:
        raise ValueError(
            f"frames must have shape (B, C, H, W); got {tuple(rgb.shape)}: add a batch axis with rgb[None]"
        )
    if rgb.shape != rgb_next.shape:
        raise ValueError(f"the two frames must have one shape; got {tuple(rgb.shape)} and {tuple(rgb_next.shape)}")
