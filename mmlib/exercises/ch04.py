"""What chapter 4's exercises ask for: motion across an edge, a flow flipped and resized, a round trip."""

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise


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
    ask.equals(
        "a ramp that brightens to the right and moved 1 right", one, none, -one, want=torch.tensor([[[1.0]], [[0.0]]])
    )
    ask.equals(
        "a ramp that brightens downwards and moved 2 up", none, one, 2 * one, want=torch.tensor([[[0.0]], [[-2.0]]])
    )
    ask.equals("a steeper ramp moves no faster", 4 * one, none, -4 * one, want=torch.tensor([[[1.0]], [[0.0]]]))
    ask.equals("a diagonal edge shows only the part across it", one, one, -one, want=torch.tensor([[[0.5]], [[0.5]]]))
    ask.equals("where the picture is flat the answer is 0, not NaN", none, none, one, want=torch.zeros(2, 1, 1))
    ix, iy, it = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 4.0]]), torch.tensor([[2.0, 2.0]])
    want = torch.tensor([[[-1.0, 0.0]], [[0.0, -0.5]]])
    ask.equals("every pixel has its own edge", ix, iy, it, want=want)


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
    right = torch.tensor([3.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 2, 3)
    ask.equals("what moved right moves left", right, want=-right + 0.0)
    down = torch.tensor([0.0, 2.0]).view(1, 2, 1, 1).expand(1, 2, 2, 3)
    ask.equals("what moved down still moves down", down, want=down)
    lone = torch.zeros(1, 2, 2, 3)
    lone[0, :, 1, 0] = torch.tensor([1.0, 5.0])
    want = torch.zeros(1, 2, 2, 3)
    want[0, :, 1, 2] = torch.tensor([-1.0, 5.0])
    ask.equals("a lone arrow at the left end stands at the right end, in its row", lone, want=want)
    ask.equals("every flow of a batch is flipped", torch.cat([lone, down]), want=torch.cat([want, down]))


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
    steady = torch.tensor([4.0, 6.0]).view(1, 2, 1, 1).expand(1, 2, 4, 8)
    made = torch.tensor([2.0, 3.0]).view(1, 2, 1, 1)
    ask.equals("at half the size the arrows are half as long", steady, (2, 4), want=made.expand(1, 2, 2, 4))
    made = torch.tensor([8.0, 12.0]).view(1, 2, 1, 1)
    ask.equals("at twice the size they are twice as long", steady, (8, 16), want=made.expand(1, 2, 8, 16))
    made = torch.tensor([1.0, 6.0]).view(1, 2, 1, 1)
    ask.equals("u follows the width and v the height", steady, (4, 2), want=made.expand(1, 2, 4, 2))
    ask.equals("the same size changes nothing", steady, (4, 8), want=steady)
    halves = torch.cat([steady[..., :4], -steady[..., 4:]], dim=-1)
    made = torch.tensor([2.0, 3.0]).view(1, 2, 1, 1).expand(1, 2, 2, 4)
    want = torch.cat([made[..., :2], -made[..., 2:]], dim=-1)
    ask.holds(
        "each arrow stays in its part of the picture",
        halves,
        (2, 4),
        that=lambda got: torch.allclose(got[..., [0, -1]], want[..., [0, -1]]),
        expected="(2, 3) at the left end and (-2, -3) at the right end",
    )


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
    still, no = torch.zeros(2, 2, 6), torch.zeros(2, 6, dtype=torch.bool)
    ask.equals("where nothing moves nothing is hidden", still, still, 0.5, want=no)
    forward, backward = still.clone(), still.clone()
    forward[0, :, 1] = 2.0  # column 1 moves on to column 3 ...
    backward[0, :, 3] = -2.0
    want = no.clone()
    want[:, 3] = True  # ... and covers what stood there
    ask.equals("what a moving column covers is hidden; the column itself is not", forward, backward, 0.5, want=want)
    drift = still.clone()
    drift[0] = 1.0
    want = no.clone()
    want[:, -1] = True
    ask.equals("what leaves the picture is hidden", drift, -drift, 0.5, want=want)
    want = no.clone()
    want[:, 0] = True
    ask.equals("... also at the left", -drift, drift, 0.5, want=want)
    down = still.clone()
    down[1] = 1.0
    want = no.clone()
    want[-1] = True
    ask.equals("v counts rows, downwards", down, -down, 0.5, want=want)
    want = no.clone()
    want[0] = True
    ask.equals("... and what leaves at the top is hidden, too", -down, down, 0.5, want=want)
    late = torch.zeros(2, 2, 6)
    late[0] = 0.4
    ask.equals("a small disagreement is forgiven", still, late, 0.5, want=no)
    ask.equals("the tolerance is an argument", still, late, 0.3, want=~no)
