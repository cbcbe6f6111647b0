"""What chapter 8's exercises ask for: a window, a size, two weights, idle gates, a gradient cut in order."""

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import Exercise, exercise

window = Exercise(
    "ch8.window",
    hints=[
        "In the middle the window starts `size // 2` places before the place itself.",
        "Two things can go wrong: that start may be negative, and the window may end beyond the last place.",
        "The last start that fits is `length - size`: clamp between 0 and that.",
    ],
)

size = Exercise(
    "ch8.size",
    hints=[
        "A unit is 2 ** (levels + 1) pixels: what one place of the last map stands for.",
        "To round n up to a multiple of u: n + -n % u.",
        "Then take the larger of that and 7 units.",
    ],
)

divide = Exercise(
    "ch8.divide",
    hints=[
        "Start from gates that are all closed, which costs 1. What does it cost to open one gate at a pixel, and what "
        "does it save? And a second one?",
        "So at each pixel one gate should be 1 and the others 0. Which one it is, the loss doesn't ask.",
        "Cut the brightness into `count` steps of equal width and let the step choose: `(count * image).long()`, with "
        "1.0 in the last step. `scatter` writes a 1 into that gate.",
    ],
)


FLAT, STRIPES = torch.full((1, 1, 6, 6), 0.5), torch.tensor([0.0, 0, 1, 1, 0, 0]).expand(1, 1, 6, 6).contiguous()
FAINT, STEP = 0.25 * STRIPES, torch.tensor([0.0, 0, 0, 1, 1, 1]).expand(1, 1, 6, 6).contiguous()


@exercise(
    "ch8.weights",
    hints=[
        "`edges` gives one number per pixel; their mean over all axes but the first gives one per picture.",
        "Divide the visible image's by the sum of both; the other weight is what is missing to 1.",
        "0 / 0 is nan: `torch.where(sum > 0, share, 0.5)` mends it.",
    ],
)
def weights(ask: Ask) -> None:
    """The shares of two images' edge strength: (B, 1, H, W) twice -> w_V, w_I, each (B,)."""
    one, half, third, fifth = (torch.full((1,), share) for share in (1.0, 1 / 2, 1 / 3, 1 / 5))
    ask.equals("two of a kind share", STRIPES, STRIPES, want=(half, half))
    ask.equals("who has all the edges gets all the weight", STRIPES, FLAT, want=(one, 1 - one))
    ask.equals(
        "a quarter of the contrast is a quarter of the strength", FAINT, STRIPES, want=(fifth, 1 - fifth), atol=1e-6
    )
    ask.equals("brightness is no edge", FAINT + 0.5, STRIPES, want=(fifth, 1 - fifth), atol=1e-6)
    ask.equals("one step has half the edges of two", STEP, STRIPES, want=(third, 1 - third), atol=1e-6)
    both = torch.cat([STRIPES, FAINT]), torch.cat([FLAT, STRIPES])
    pair = torch.tensor([1.0, 0.2]), torch.tensor([0.0, 0.8])
    ask.equals("each pair of a batch by itself", *both, want=pair, atol=1e-6)
    ask.equals("without any edge both are one half", FLAT, FLAT, want=(half, half))


LONG, SHORT = torch.tensor([30.0, 40.0]), torch.tensor([0.3, 0.4])


@exercise(
    "ch8.clip",
    hints=[
        "First divide by the scale. What is left is the true gradient, and only its length matters.",
        "If it is longer than the limit, multiply it by limit / length; otherwise leave it alone.",
        "`gradient.norm()` is the length. Do not change the argument itself: no `mul_`, no `/=`.",
    ],
)
def clip(ask: Ask) -> None:
    """The true gradient, at most `limit` long: (gradient, scale, limit) -> a tensor of the gradient's shape."""
    ask.equals(
        "without a scale, a long one is cut to the limit", LONG, 1.0, 1.0, want=torch.tensor([0.6, 0.8]), atol=1e-6
    )
    ask.equals("a short one stays", SHORT, 1.0, 1.0, want=SHORT)
    ask.equals("the scale goes first", 100 * SHORT, 100.0, 1.0, want=SHORT, atol=1e-6)
    ask.equals("then the cut", 65536 * LONG, 65536.0, 1.0, want=torch.tensor([0.6, 0.8]), atol=1e-6)
    ask.equals("another limit", LONG, 1.0, 5.0, want=torch.tensor([3.0, 4.0]), atol=1e-6)
    ask.equals("exactly at the limit it stays", LONG, 10.0, 5.0, want=torch.tensor([3.0, 4.0]), atol=1e-6)
    ask.equals("nothing stays nothing", torch.zeros(2), 8.0, 1.0, want=torch.zeros(2))
