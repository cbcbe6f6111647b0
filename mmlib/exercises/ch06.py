"""What chapter 6's exercises ask for: an enlarged flow, what starts at zero, a count, own motion, a correction."""

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import Exercise, exercise

FLOW = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, -1.0], [0.0, -2.0]]]])


@exercise(
    "ch6.zoom",
    hints=[
        "Two things change when a scene is enlarged: where a vector stands, and how long it is.",
        "Places: new row y shows old row y // factor, so index with `torch.arange(height) // factor`. Columns alike.",
        "`factor * flow[:, :, rows][..., columns]`: what moves by 2 moves by 6 in a picture three times as wide.",
    ],
)
def zoom(ask: Ask) -> None:
    """The flow of the scene enlarged, cut to the top left window: (B, 2, H, W), factor -> (B, 2, H, W)."""
    ask.equals("a factor of 1 changes nothing", FLOW, 1, want=FLOW)
    even = torch.ones(1, 2, 2, 3)
    ask.equals("what moves by 1 pixel moves by 3", even, 3, want=3 * even)
    want = torch.tensor([[[[2.0, 2.0], [2.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    ask.equals("the window shows the top left corner", FLOW, 2, want=want)
    row = torch.tensor([[[[1.0, 5.0, 9.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]]])
    ask.equals("columns", row, 2, want=torch.tensor([[[[2.0, 2.0, 10.0, 10.0]], [[0.0, 0.0, 0.0, 0.0]]]]))
    column = row.transpose(2, 3)
    want = torch.tensor([[[[2.0], [2.0], [10.0], [10.0]], [[0.0], [0.0], [0.0], [0.0]]]])
    ask.equals("rows", column, 2, want=want)
    ask.equals("every sample of a batch", torch.cat([even, -even]), 2, want=torch.cat([2 * even, -2 * even]))


zero = Exercise(
    "ch6.zero",
    hints=[
        "The last layer's gradient is multiplied with what comes into it. What comes in if the layer before is zero?",
        "The gradient of the layer before is multiplied with the last layer's weights, and with the slope of the ReLU.",
        "PyTorch's ReLU has the slope 0 at 0. So if the layer before is zero, nothing passes to it, whatever follows.",
    ],
)

count = Exercise(
    "ch6.count",
    hints=[
        "Every output channel has a kernel for every input channel. The norm has two numbers for each output.",
        "The first block reads both maps of scores: 2 * classes inputs. The last layer has a bias, and no norm.",
        "`18 * classes * mixed + 2 * mixed`, then `9 * mixed**2 + 2 * mixed`, then `mixed * classes + classes`.",
    ],
)


@exercise(
    "ch6.own",
    hints=[
        "A standing point moves from x to x * z / (z - a). By how much does it move?",
        "By x * (z / (z - a) - 1) = x * a / (z - a). What is that for the sky, where z is infinite?",
        "Write the factor as `a / (z - a)`: it is 0 at infinity, while `z / (z - a)` would be infinity over infinity.",
    ],
)
def own(ask: Ask) -> None:
    """What of a horizontal flow the camera doesn't explain: u, x, z, a -> tensor."""
    one = torch.tensor([1.0])
    ask.equals("a camera that stands explains nothing", 3 * one, 10 * one, 5 * one, 0.0, want=3 * one)
    ask.equals("a standing point has no motion of its own", 2.5 * one, 10 * one, 5 * one, 1.0, want=0 * one)
    ask.equals("what is left of the middle flows to the left", -2.5 * one, -10 * one, 5 * one, 1.0, want=0 * one)
    ask.equals("the rest is its own", 4 * one, 10 * one, 5 * one, 1.0, want=1.5 * one)
    far = torch.tensor([torch.inf])
    ask.equals("the sky is infinitely far", one, 10 * one, far, 1.0, want=one)
    ask.equals("a camera that drives backwards", -2 * one, 12 * one, 5 * one, -1.0, want=0 * one)


@exercise(
    "ch6.overruled",
    hints=[
        "Find the class with the highest score before the correction, and after it.",
        "Before: `image.argmax(dim=0)`. What are the scores after the correction?",
        "`image.argmax(dim=0) != (image + correction).argmax(dim=0)`",
    ],
)
def overruled(ask: Ask) -> None:
    """Where a correction changes the class that is chosen: image, correction, (C, H, W) -> bool (H, W)."""
    image = torch.tensor([2.0, 1.0, 0.0]).view(3, 1, 1)
    up = torch.tensor([0.0, 1.5, 0.0]).view(3, 1, 1)
    yes, no = torch.tensor([[True]]), torch.tensor([[False]])
    ask.equals("no correction, no change", image, 0 * image, want=no)
    ask.equals("the second class overtakes the first", image, up, want=yes)
    ask.equals("a small correction isn't enough", image, 0.5 * up, want=no)
    ask.equals("the same number for all classes changes nothing", image, torch.full((3, 1, 1), 9.0), want=no)
    ask.equals("the winner is confirmed", image, image, want=no)
    two = torch.cat([up, 0 * up], dim=2)
    ask.equals("each place for itself", image.expand(3, 1, 2), two, want=torch.tensor([[True, False]]))
