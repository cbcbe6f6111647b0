"""What chapter 4's exercises ask for: a motion to hide, motion across an edge, a flow flipped, a round trip."""

import torch
from torch import Tensor

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise


@exercise(
    "ch4.invisible",
    hints=[
        "Which part of a motion can be seen at an edge, and which can't? Look at the valley in the misfit map.",
        "Make a picture in which every edge runs in the direction of the motion.",
        "Vertical stripes that move down look the same as before: take the first row of the texture, and repeat it in "
        "every row of both frames.",
    ],
)
def invisible(ask: Ask) -> None:
    """Two frames (1, 1, H, W) that move by (0, 2), have contrast, and are equal."""
    texture = torch.tensor([[0.0, 1.0, 0.5], [0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.2, 0.8, 0.4]]).view(1, 1, 4, 3)

    def moved(pair: tuple[Tensor, Tensor]) -> bool:
        now, later = pair
        return now.shape == later.shape == texture.shape and torch.allclose(later[..., 2:, :], now[..., :-2, :])

    ask.holds("below row 2, later shows what now shows two rows above", texture, that=moved, expected="moved by (0, 2)")
    ask.holds("it has contrast", texture, that=lambda pair: float(pair[0].std()) > 0.1, expected="a std above 0.1")
    ask.holds(
        "both frames are equal, so that any estimator answers 0",
        texture,
        that=lambda pair: torch.allclose(pair[0], pair[1]),
        expected="two equal frames",
    )


@exercise(
    "ch4.normal_flow",
    hints=[
        "Only motion across the edge can be seen, so the answer is a number times the gradient. Which number makes the "
        "constancy equation true?",
        "Put (u, v) = s * (Ix, Iy) into Ix u + Iy v + It = 0 and solve for s: s = -It / (Ix^2 + Iy^2).",
        "Where both derivatives are 0 nothing is known; the answer there is 0. `squared.clamp(min=1e-12)` keeps the "
        "division finite, and the gradient makes the product 0.",
    ],
)
def normal_flow(ask: Ask) -> None:
    """The part of the motion along the gradient: Ix, Iy, It (H, W) give (2, H, W)."""
    one, none = torch.ones(1, 1), torch.zeros(1, 1)
    want = torch.tensor([[[1.0]], [[0.0]]])
    ask.equals("a ramp that brightens to the right and moved 1 right", one, none, -one, want=want)
    ask.equals("a steeper ramp moves no faster", 4 * one, none, -4 * one, want=want)
    want = torch.tensor([[[0.0]], [[-2.0]]])
    ask.equals("a ramp that brightens downwards and moved 2 up", none, one, 2 * one, want=want)
    want = torch.tensor([[[0.5]], [[0.5]]])
    ask.equals("a diagonal edge shows only the part across it", one, one, -one, want=want)
    ask.equals("where the picture is flat the answer is 0, not NaN", none, none, one, want=torch.zeros(2, 1, 1))
    ix, iy, it = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 4.0]]), torch.tensor([[2.0, 2.0]])
    want = torch.tensor([[[-1.0, 0.0]], [[0.0, -0.5]]])
    ask.equals("every pixel has its own edge", ix, iy, it, want=want)


def _arrows(u: float, v: float, height: int = 2, width: int = 3) -> Tensor:
    """The same arrow everywhere, (2, height, width)."""
    return torch.tensor([u, v], dtype=torch.float32).view(2, 1, 1).repeat(1, height, width)


@exercise(
    "ch4.flip",
    hints=[
        "Two things happen to an arrow in a mirror: where it stands, and where it points.",
        "`flow.flip(-1)` moves the arrows to their mirrored places. Which of u and v still points the right way?",
        "A walker to the right walks to the left in a mirror, but one who climbs still climbs: u changes its sign, v "
        "does not.",
    ],
)
def flip(ask: Ask) -> None:
    """A left-right flip of a flow (B, 2, H, W)."""
    ask.equals("what moved right moves left", _arrows(3, 0)[None], want=_arrows(-3, 0)[None])
    ask.equals("what moved down still moves down", _arrows(0, 2)[None], want=_arrows(0, 2)[None])
    lone, want = torch.zeros(2, 1, 2, 2, 3)
    lone[0, :, 1, 0] = torch.tensor([1.0, 5.0])
    want[0, :, 1, 2] = torch.tensor([-1.0, 5.0])
    ask.equals("a lone arrow at the left end stands at the right end, in its row", lone, want=want)


@exercise(
    "ch4.resize",
    hints=[
        "The unit of a flow is a pixel. What happens to that unit when the picture gets smaller?",
        "`torch.nn.functional.interpolate(flow, size=size)` puts the vectors on the new grid; their lengths still "
        "count old pixels.",
        "Multiply u by new width / old width and v by new height / old height. `size` is (height, width), but u comes "
        "first in a flow.",
    ],
)
def resize(ask: Ask) -> None:
    """A flow (B, 2, H, W) on a grid of another size (H', W')."""
    flow = _arrows(4, 6, 2, 2)[None]
    ask.equals("at half the size the arrows are half as long", flow, (1, 1), want=_arrows(2, 3, 1, 1)[None])
    ask.equals("u follows the width and v the height", flow, (2, 1), want=_arrows(2, 6, 2, 1)[None])
    ask.equals("at three times the height v is three times as long", flow, (6, 2), want=_arrows(4, 18, 6, 2)[None])
    apart = torch.cat([_arrows(4, 6, 1, 2), _arrows(-4, -6, 1, 2)], dim=2)[None]
    want = torch.cat([_arrows(2, 6, 1, 1), _arrows(-2, -6, 1, 1)], dim=2)[None]
    ask.equals("each arrow stays in its part of the picture", apart, (1, 2), want=want)


@exercise(
    "ch4.round_trip",
    hints=[
        "Follow one pixel there and back. Is the way back to be read where it started, or where it arrived?",
        "With `x2 = x + forward[0].long()` and `y2` likewise, the way back is `backward[:, y2, x2]`; clamp the "
        "indices, and treat what left the picture on its own.",
        "Home is where forward + back is 0. Hidden is `(forward + back).norm(dim=0) > tolerance`, or out of the "
        "picture.",
    ],
)
def round_trip(ask: Ask) -> None:
    """Occlusion by the round trip: forward (whole numbers) and backward (2, H, W), tolerance give (H, W) bool."""
    still, no, yes = _arrows(0, 0), [False] * 3, [True] * 3
    ask.equals("where nothing moves nothing is hidden", still, still, 0.5, want=torch.tensor([no, no]))
    forward, backward = still.clone(), still.clone()
    forward[0, :, 0] = 2.0  # column 0 moves on to column 2 ...
    backward[0, :, 2] = -2.0
    want = torch.tensor([[False, False, True]] * 2)  # ... and covers what stood there
    ask.equals("what a moving column covers is hidden; the column itself is not", forward, backward, 0.5, want=want)
    ask.equals("what leaves on the right is hidden", _arrows(1, 0), _arrows(-1, 0), 0.5, want=want)
    want = torch.tensor([[True, False, False]] * 2)
    ask.equals("... also on the left", _arrows(-1, 0), _arrows(1, 0), 0.5, want=want)
    ask.equals("... and at the bottom", _arrows(0, 1), _arrows(0, -1), 0.5, want=torch.tensor([no, yes]))
    ask.equals("... and at the top", _arrows(0, -1), _arrows(0, 1), 0.5, want=torch.tensor([yes, no]))
    late = _arrows(0.4, 0)
    ask.equals("a disagreement below the tolerance is forgiven", still, late, 0.5, want=torch.tensor([no, no]))
    ask.equals("... and one above it is not", still, late, 0.3, want=torch.tensor([yes, yes]))
