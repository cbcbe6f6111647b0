"""Multi-scale and flip testing: one image is shown at several sizes and mirrored, and the answers are averaged.

    probabilities = multiscale(net, rgb, flow=flow, scales=(0.5, 0.75, 1, 1.25, 1.5, 1.75))
    prediction = probabilities.argmax(1)

Every view costs a pass of the net: twelve with the default scales. Scores made so are not comparable with single-scale
ones, so a table says which of its rows are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
"""PSPNet's, with flips (recollection of its released evaluation)."""


@torch.no_grad()
def multiscale(
    net: Callable[..., Tensor],
    *images: Tensor,
    flow: Tensor | None = None,
    scales: Sequence[float] = SCALES,
    flip: bool = True,
    multiple: int = 1,
    plus: int = 0,
) -> Tensor:
    """Class probabilities (B,C,H,W), the mean over scales, and over the image and its mirror image.

    net: called as net(*images) or, with flow, net(*images, flow); returns logits (B,C,h,w) of any size. It stays in
    the mode it is in: call net.eval() first. images: (B,c,H,W) each, such as rgb, or rgb and ir. flow: (B,2,H,W) in
    pixels; its vectors grow and shrink with the image, and u changes its sign in the mirror.
    scales: factors of height and width, each rounded to the nearest size n * `multiple` + `plus` (8 and 1 for nets that
    want 8 n + 1). Images are resized bilinearly, without antialiasing, as the training did; at scale 1 and an already
    fitting size nothing is resized. Logits are resized bilinearly to (H,W), mirrored back, and only then made
    probabilities: averaging these is not averaging logits.

    ValueError for no image, images or a flow of different sizes, scales that are not above 0, or sizes that vanish.
    """
    size = _common_size(images, flow)
    if not scales or min(scales) <= 0 or multiple < 1 or plus < 0:
        raise ValueError(f"expected scales above 0, multiple >= 1 and plus >= 0; got {scales}, {multiple} and {plus}")
    total, views = None, 0
    for scale in scales:
        small = tuple(_fitted(side * scale, multiple, plus) for side in size)
        inputs = [_resized(image, small) for image in images]
        if flow is not None:
            inputs.append(_resized_flow(flow, small))
        for mirrored in (False, True)[: 1 + flip]:
            logits = net(*(_mirrored(inputs, flow is not None) if mirrored else inputs))
            logits = _resized(logits, size)
            view = (logits.flip(-1) if mirrored else logits).float().softmax(1)
            total, views = (view if total is None else total.add_(view)), views + 1
    return total / views


def _common_size(images: tuple[Tensor, ...], flow: Tensor | None) -> tuple[int, int]:
    if not images:
        raise ValueError("expected at least one image (B,C,H,W); got none")
    shapes = [tuple(x.shape) for x in (*images, *(() if flow is None else (flow,)))]
    if any(len(s) != 4 for s in shapes) or len({(s[0], *s[2:]) for s in shapes}) > 1:
        raise ValueError(f"expected images (B,C,H,W) and flow of one B, H and W, got {shapes}; pad or resize first")
    return shapes[0][2], shapes[0][3]


def _fitted(side: float, multiple: int, plus: int) -> int:
    """The size n * multiple + plus nearest to `side`; halves go up."""
    fitted = int((side - plus) / multiple + 0.5) * multiple + plus
    if fitted < 1:
        raise ValueError(f"a side of {side:g} pixels is not left with multiple {multiple} and plus {plus}; scale less")
    return fitted


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=False)


def _resized_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    from mmlib.flow import resize_flow

    return flow if tuple(flow.shape[-2:]) == size else resize_flow(flow, size)


def _mirrored(inputs: list[Tensor], with_flow: bool) -> list[Tensor]:
    """The inputs as a mirror shows them: what moved to the right moves to the left."""
    seen = [x.flip(-1) for x in inputs]
    if with_flow:
        seen[-1] = seen[-1] * seen[-1].new_tensor([-1.0, 1.0]).view(1, 2, 1, 1)
    return seen
