"""What chapter 2's exercises ask for: the ground's distance, the nearest thing, class shares, smaller labels."""

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise


@exercise(
    "ch2.ground_distance",
    hints=[
        "The formula of the section above, solved for nothing: it already gives Z. Only the rows at and above the "
        "horizon need care.",
        "`rows - horizon` is positive below the horizon, for y counts downwards. Where it is not, there is no ground.",
        "`torch.where(rows > horizon, f * height / (rows - horizon), torch.inf)` is nearly all of it.",
    ],
)
def ground_distance(ask: Ask) -> None:
    """The distance of the ground seen in each row: rows of any shape give metres of that shape."""
    rows = torch.tensor([60.0, 75.0, 100.0])
    camera = {"f": 100.0, "height": 1.5, "horizon": 50.0}
    ask.equals("ten rows below the horizon, f = 100, h = 1.5: 15 m", rows[:1], **camera, want=torch.tensor([15.0]))
    ask.equals("twice as far below is half as far away", rows[1:], **camera, want=torch.tensor([6.0, 3.0]))
    higher = camera | {"height": 3.0}
    ask.equals("a camera twice as high sees the ground twice as far", rows, **higher, want=torch.tensor([30.0, 12, 6]))
    other = camera | {"horizon": 40.0, "f": 200.0}
    ask.equals("every part of the camera counts", rows, **other, want=300 / torch.tensor([20.0, 35, 60]))
    up = torch.tensor([0.0, 49.0, 50.0])
    ask.equals("at and above the horizon: infinity", up, **camera, want=torch.full((3,), torch.inf))
    square = torch.tensor([[60.0, 40.0], [75.0, 50.0]])
    want = torch.tensor([[15.0, torch.inf], [6.0, torch.inf]])
    ask.equals("rows of any shape", square, **camera, want=want)


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
    ask.equals("the nearest of three", depth, instances, want=5)
    ask.equals("what belongs to no object does not count", depth, instances.where(instances != 5, 0), want=2)
    speck = depth.clone()
    speck[0, 0, 1] = 2.0
    ask.equals("the median decides: one near pixel does not", speck, instances, want=5)
    hole = depth.clone()
    hole[0, 1, 0] = 100.0
    ask.equals("... nor does one far pixel, as it would with the mean", hole, instances, want=5)
    close = depth.where(instances != 2, torch.tensor(8.5))
    ask.equals("the second less than a tenth farther away: 0", close, instances, want=0)
    ask.equals("... a tenth is a share, not a number of metres", 10 * close, instances, want=0)
    clear = depth.where(instances != 2, torch.tensor(9.0))
    ask.equals("more than a tenth farther away is enough", clear, instances, want=5)
    clear = depth.where(instances != 2, torch.tensor(8.85))
    ask.equals("... a tenth of the nearer distance", clear, instances, want=5)
    alone = torch.where(instances == 9, 9, 0)
    ask.equals("a single object is always the nearest", depth, alone, want=9)
    empty = torch.zeros_like(instances)
    ask.equals("without objects: 0", depth, empty, want=0)


@exercise(
    "ch2.shares",
    hints=[
        "Leave out the unknown pixels first. What is left can be counted and divided.",
        "`known = labels[labels != 255]` is flat already; `torch.bincount(known, minlength=n)` counts.",
        "Check `known` against 0 and n before counting, and divide by `counts.sum().clamp(min=1)`.",
    ],
)
def shares(ask: Ask) -> None:
    """The share of each of n classes among the known pixels: whole numbers of any shape give (n,)."""
    labels = torch.tensor([[0, 0, 2], [2, 2, 0]])
    ask.equals("half and half", labels, 3, want=torch.tensor([0.5, 0.0, 0.5]))
    ask.equals("classes that do not occur have share 0", labels, 5, want=torch.tensor([0.5, 0, 0.5, 0, 0]))
    holes = torch.tensor([[0, 255, 2], [255, 2, 2]])
    ask.equals("unknown pixels (255) are not in the total", holes, 3, want=torch.tensor([0.25, 0.0, 0.75]))
    ask.equals("any shape", holes[None, None], 3, want=torch.tensor([0.25, 0.0, 0.75]))
    ask.equals("nothing known: zeros", torch.full((2, 2), 255), 3, want=torch.zeros(3))
    ask.refuses("a class beyond n is a mistake in the data", torch.tensor([0, 3]), 3)
    ask.refuses("a negative number is a mistake in the data", torch.tensor([0, -1]), 3)


@exercise(
    "ch2.shrink",
    hints=[
        "Bring the pixels of each block side by side into a last axis of length k * k, then let them vote.",
        "`labels.view(H // k, k, W // k, k).transpose(1, 2).reshape(H // k, W // k, k * k)` makes the blocks; "
        "`F.one_hot(blocks, 256).sum(2)` counts votes for every number.",
        "Drop column 255 from the votes; `argmax` takes the first of equals. Where no vote is left, the answer is 255.",
    ],
)
def shrink(ask: Ask) -> None:
    """The most frequent known class of each block: (H, W) and k give (H / k, W / k)."""
    labels = torch.tensor([[7, 7, 2, 2], [7, 2, 2, 2], [1, 1, 255, 255], [0, 0, 255, 4]])
    want = torch.tensor([[7, 2], [0, 4]])
    name = "the majority of each block; unknown pixels do not vote; ties go to the smaller number"
    ask.equals(name, labels, 2, want=want)
    ask.equals("blocks of one pixel change nothing", labels, 1, want=labels)
    ask.equals("a block of unknown pixels stays unknown", torch.full((4, 4), 255), 2, want=torch.full((2, 2), 255))
    mixed = torch.tensor([[7, 7, 7, 2, 2, 2]] * 3)
    ask.equals("no class that was not there (the mean of 7 and 2 is not one)", mixed, 3, want=torch.tensor([[7, 2]]))
    wide = torch.arange(2).repeat_interleave(4).expand(2, 8).contiguous()
    ask.equals("pictures need not be square", wide, 2, want=torch.tensor([[0, 0, 1, 1]]))
