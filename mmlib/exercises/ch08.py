"""What chapter 8's exercises ask for: a window, a size, two weights, a loss for gates, a gradient cut in order."""

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise


@exercise(
    "ch8.window",
    hints=[
        "In the middle the window starts `size // 2` places before the place itself.",
        "Two things can go wrong: that start may be negative, and the window may end beyond the last place.",
        "The last start that fits is `length - size`: clamp between 0 and that.",
    ],
)
def window(ask: Ask) -> None:
    """The first place of the window of `size` that a place of `length` looks at: (place, length, size) -> int."""
    ask.equals("in the middle it is centred", 10, 20, 7, want=7)
    ask.equals("the first place looks to the right only", 0, 20, 7, want=0)
    ask.equals("near the start it does not move yet", 3, 20, 7, want=0)
    ask.equals("then it moves with the place", 4, 20, 7, want=1)
    ask.equals("the last place looks to the left only", 19, 20, 7, want=13)
    ask.equals("near the end it has stopped", 16, 20, 7, want=13)
    ask.equals("another size", 5, 9, 3, want=4)
    ask.equals("where the window is the whole line, nobody has a choice", 5, 7, 7, want=0)


@exercise(
    "ch8.size",
    hints=[
        "A unit is 2 ** (levels + 1) pixels: what one place of the last map stands for.",
        "To round n up to a multiple of u: n + -n % u.",
        "Then take the larger of that and 7 units, for each side.",
    ],
)
def size(ask: Ask) -> None:
    """The smallest size that TSJNet takes and that holds a picture: (height, width, levels) -> (height, width)."""
    ask.equals("a picture that fits stays", 480, 640, 4, want=(480, 640))
    ask.equals("one that does not is rounded up", 481, 640, 4, want=(512, 640))
    ask.equals("the smallest with four levels", 10, 10, 4, want=(224, 224))
    ask.equals("each side by itself", 100, 300, 4, want=(224, 320))
    ask.equals("fewer levels take smaller pictures", 30, 61, 1, want=(32, 64))
    ask.equals("seven places, not six", 50, 112, 3, want=(112, 112))


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


OPEN, SHUT = torch.ones(1, 2, 1, 2), torch.zeros(1, 2, 1, 2)
SHARED = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])


@exercise(
    "ch8.diversity",
    hints=[
        "There are two means: one over pixels, of what the widest gate leaves shut there; one over all gates.",
        "The largest gate at a pixel is `gates.amax(dim=1)`: (B, H, W). Take the mean of one minus that, and add.",
    ],
)
def diversity(ask: Ask) -> None:
    """L_div of gates (B, G, H, W): a scalar."""
    ask.equals("all open: nothing missing, everything open", OPEN, want=torch.tensor(1.0))
    ask.equals("all shut: everything missing, nothing open", SHUT, want=torch.tensor(1.0))
    ask.equals("two gates that divide the picture", SHARED, want=torch.tensor(0.5))
    ask.equals(
        "one gate for all, the other shut",
        SHARED.sum(1, keepdim=True).repeat(1, 2, 1, 1) * torch.tensor([1.0, 0.0]).view(1, 2, 1, 1),
        want=torch.tensor(0.5),
    )
    ask.equals("eight dividing gates please it more than two", torch.eye(8).view(1, 8, 1, 8), want=torch.tensor(0.125))
    ask.equals("half open everywhere", 0.5 * OPEN, want=torch.tensor(1.0))
    mixed = torch.cat([OPEN, SHARED])
    ask.equals("the mean over a batch", mixed, want=torch.tensor(0.75))
    ask.equals("one uncovered pixel", torch.tensor([[[[0.8, 0.2]], [[0.4, 0.0]]]]), want=torch.tensor(0.85), atol=1e-6)


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
