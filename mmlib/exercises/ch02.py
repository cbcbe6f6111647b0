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
    rows, want = torch.tensor([60.0, 75.0, 100.0]), torch.tensor([15.0, 6.0, 3.0])
    ask.equals("twice as far below, half as far away", rows, f=100.0, height=1.5, horizon=50.0, want=want)
    want = torch.tensor([30.0, 120 / 7, 10.0])
    ask.equals("every part of the camera counts", rows, f=200.0, height=3.0, horizon=40.0, want=want)
    square = torch.tensor([[60.0, 40.0], [75.0, 50.0]])
    want = torch.tensor([[15.0, torch.inf], [6.0, torch.inf]])
    ask.equals("at the horizon and above: infinity", square, f=100.0, height=1.5, horizon=50.0, want=want)


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
    ask.equals("half and half; classes that do not occur have share 0", labels, 4, want=torch.tensor([0.5, 0, 0.5, 0]))
    holes = torch.tensor([[[0, 255, 2], [255, 2, 2]]])
    ask.equals("unknown pixels (255) are not in the total", holes, 3, want=torch.tensor([0.25, 0, 0.75]))
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
    labels = torch.tensor([[7, 7, 1, 4, 4, 4], [7, 2, 1, 1, 0, 4]])
    ask.equals("the majority of each block", labels, 2, want=torch.tensor([[7, 1, 4]]))
    ask.equals("blocks of one pixel change nothing", labels, 1, want=labels)
    tie = torch.tensor([[7, 2], [2, 7]])
    ask.equals("ties go to the smaller number, never to a mean", tie, 2, want=torch.tensor([[2]]))
    holes = torch.tensor([[255, 255, 255, 255], [255, 4, 255, 255]])
    ask.equals("unknown pixels do not vote; nothing else stays 255", holes, 2, want=torch.tensor([[4, 255]]))
