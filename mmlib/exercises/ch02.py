"""What chapter 2's exercises ask for: the ground's distance, another street with the same film, the nearest thing."""

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise


@exercise(
    "ch2.ground_distance",
    hints=[
        "The formula of the section above already gives Z. Only the rows at and above the horizon need care.",
        "`rows - horizon` is positive below the horizon, for y counts downwards. Where it is not, there is no ground.",
        "`torch.where(rows > horizon, f * height / (rows - horizon), torch.inf)` is nearly all of it.",
    ],
)
def ground_distance(ask: Ask) -> None:
    """The distance of the ground seen in each row: rows of any shape give metres of that shape."""
    rows, want = torch.tensor([60.0, 75.0, 100.0]), torch.tensor([15.0, 6.0, 3.0])
    ask.equals("twice as far below, half as far away", rows, f=100.0, height=1.5, horizon=50.0, want=want)
    want = torch.tensor([30.0, 120 / 7, 10.0])
    ask.equals("every part of the camera counts", rows, f=200.0, height=3.0, horizon=40.0, want=want)
    square = torch.tensor([[60.0, 40.0], [75.0, 50.0]])
    want = torch.tensor([[15.0, torch.inf], [6.0, torch.inf]])
    ask.equals("at the horizon and above: infinity", square, f=100.0, height=1.5, horizon=50.0, want=want)


def _flow(depth: torch.Tensor, advance: float) -> torch.Tensor:
    """How far each pixel moves away from the middle, as a share of its distance from it, (H, W)."""
    return depth / (depth - advance) - 1


def _two(got: object, depth: torch.Tensor) -> bool:
    """Whether an answer is a depth map of that shape and a number, all positive."""
    if not (isinstance(got, tuple | list) and len(got) == 2 and isinstance(got[0], torch.Tensor)):
        return False
    return got[0].shape == depth.shape and bool((got[0] > 0).all()) and float(got[1]) > 0


def _other(mine: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Whether every number is at least a fifth larger or smaller."""
    ratio = mine / theirs
    return bool(((ratio >= 1.2) | (ratio <= 0.8)).all())


@exercise(
    "ch2.other_street",
    hints=[
        "Write the flow as a function of Z and a alone. In which combination do they occur?",
        "Z / (Z - a) stays the same if both change together. How?",
        "A model railway filmed from a model train looks like the railway: multiply both by the same number.",
    ],
)
def other_street(ask: Ask) -> None:
    """Another depth map (H, W) and another advance with the same flow in every pixel."""
    depth = torch.tensor([[4.0, 8.0, 16.0], [5.0, 10.0, 40.0]])
    shape = "a depth map of the same shape and an advance, both positive"
    ask.holds("a depth map and an advance", depth, 0.5, that=lambda got: _two(got, depth), expected=shape)
    ask.holds(
        "every distance is another one",
        depth,
        0.5,
        that=lambda got: _other(got[0], depth),
        expected="every distance at least a fifth larger or smaller",
    )
    ask.holds(
        "the camera drives another way",
        depth,
        0.5,
        that=lambda got: _other(torch.tensor(float(got[1])), torch.tensor(0.5)),
        expected="an advance at least a fifth larger or smaller than 0.5",
    )
    for name, advance in (("the flow is the same", 0.5), ("... at any speed", 2.0)):
        ask.holds(
            name,
            depth,
            advance,
            that=lambda got, a=advance: torch.allclose(_flow(got[0], float(got[1])), _flow(depth, a), atol=1e-5),
            expected="the same flow in every pixel",
        )


@exercise(
    "ch2.nearest",
    hints=[
        "Sort the objects by their median depth. The rest is a question about the first two.",
        "`depth[0][instances == i].median()` is the distance of object i; leave out 0, which is no object.",
        "With `far = sorted((distance, i) ...)`: 0 if `far` is empty or `far[1][0] < 1.1 * far[0][0]`, else far[0][1].",
    ],
)
def nearest(ask: Ask) -> None:
    """The number of the clearly nearest object, or 0: (1, H, W) and (H, W) give an int."""
    instances = torch.tensor([[0, 2, 2, 2, 0], [5, 5, 5, 0, 9]])
    depth = torch.tensor([[[1.0, 20.0, 20.0, 20.0, 1.0], [8.0, 8.0, 8.0, 1.0, 30.0]]])
    ask.equals("the nearest of three; what belongs to no object does not count", depth, instances, want=5)
    odd = depth.clone()
    odd[0, 0, 1], odd[0, 1, 0] = 2.0, 100.0
    ask.equals("the median decides: one near or one far pixel does not", odd, instances, want=5)
    close = depth.where(instances != 2, 8.5)
    ask.equals("the second less than a tenth farther away: 0", close, instances, want=0)
    ask.equals("... a tenth is a share, not a number of metres", 10 * close, instances, want=0)
    clear = depth.where(instances != 2, 8.85)
    ask.equals("... a tenth of the nearer distance", clear, instances, want=5)
    alone = torch.where(instances == 9, 9, 0)
    ask.equals("a single object is always the nearest", depth, alone, want=9)
    ask.equals("without objects: 0", depth, torch.zeros_like(instances), want=0)
