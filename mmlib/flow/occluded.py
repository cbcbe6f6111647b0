"""Which pixels of the first frame cannot be found in the next one."""

from torch import Tensor

from mmlib.flow.warping import check_flow, known, warp


def occlusion(forward: Tensor, backward: Tensor, *, relative: float = 0.01, absolute: float = 0.5) -> Tensor:
    """Occlusion by the forward-backward check of Sundaram, Brox and Keutzer (ECCV 2010, eq. 5).

    Go forward by w, then back by the backward flow found there, w'. A pixel that is seen in both frames comes home, so
    w + w' is near zero. It is called occluded where |w + w'|^2 > relative * (|w|^2 + |w'|^2) + absolute, and also where
    w leaves the frame or either flow is unknown.

    Args:
        forward: (B, 2, H, W), pixels, t to t+1, on the grid of t.
        backward: (B, 2, H, W), pixels, t+1 to t, on the grid of t+1.
        relative: tolerance that grows with the squared length of the motion (0.01 in the paper).
        absolute: tolerance in squared pixels (0.5 in the paper).

    Returns:
        (B, H, W) bool, True where the pixel is occluded.

    Raises:
        TypeError, ValueError: flows of a wrong dtype or shape, or of different sizes.
    """
    if check_flow(forward).shape != check_flow(backward).shape:
        raise ValueError(f"both flows must have one shape; got {tuple(forward.shape)} and {tuple(backward.shape)}")
    sure = known(backward)
    home = warp(backward.where(sure, 0.0), forward)
    gap = (forward + home).square().sum(dim=1)
    length = forward.square().sum(dim=1) + home.square().sum(dim=1)
    # A look-up that touches an unknown vector or the outside is unknown: its weight of known neighbours is below one.
    seen = warp(sure.to(forward.dtype), forward)[:, 0] > 1 - 1e-6
    return ~(seen & (gap <= relative * length + absolute))
