"""What chapter 1's exercises ask for: average two senses, hide from the average, look along the flow, the warmest."""

import torch
from torch import Tensor

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise
from mmlib.images import luma

WHITE, BLACK = torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
ORANGE = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)  # its luma is 0.5925
IR = torch.tensor([[[[0.2, 1.0]]]])


@exercise(
    "ch1.average",
    hints=[
        "Two steps: first one grey value for every pixel of the colour image, then the middle between the two images.",
        "`luma(rgb)` weights the channels as the eye does and keeps their axis: (B, 3, H, W) becomes (B, 1, H, W).",
        "`(luma(rgb) + ir) / 2` is all it takes.",
    ],
)
def average(ask: Ask) -> None:
    """Average fusion of a colour image and an infrared image into one grey image."""
    ask.equals("white light over white heat stays white", WHITE, WHITE[:, :1], want=WHITE[:, :1])
    ask.equals("white light without any heat gives middle grey", WHITE, BLACK[:, :1], want=0.5 * WHITE[:, :1])
    rgb, want = ORANGE.repeat(1, 1, 1, 2), (0.5925 + IR) / 2
    ask.equals("colours count as the eye sees them (luma, not the plain mean)", rgb, IR, want=want)
    batch = torch.cat([BLACK, WHITE])
    ask.equals("every scene of a batch is fused on its own", batch, batch[:, :1], want=batch[:, :1])


def _step(image: Tensor, mask: Tensor) -> float:
    """By how many grey levels a region is brighter than the rest of an image (1, H, W)."""
    return 255 * (image[0][mask].mean() - image[0][~mask].mean()).item()


def _average_step(got: tuple[Tensor, Tensor], mask: Tensor) -> float:
    """The step of the average of an rgb and an infrared image."""
    return _step((luma(got[0]) + got[1]) / 2, mask)


def _pair_of(got: object, mask: Tensor) -> bool:
    """Whether an answer is an rgb (3, H, W) and an infrared image (1, H, W) of the mask's size, with values 0 to 1."""
    if not (isinstance(got, tuple | list) and len(got) == 2 and all(isinstance(one, Tensor) for one in got)):
        return False
    shapes = [tuple(one.shape) for one in got] == [(3, *mask.shape), (1, *mask.shape)]
    return shapes and all(bool(((one >= 0) & (one <= 1)).all()) for one in got)


@exercise(
    "ch1.vanish",
    hints=[
        "A thing can stand out in two ways: brighter than what is around it, or darker.",
        "What does the average show where the light has gained just as much as the heat has lost?",
        "Draw the person bright on dark in `rgb` and dark on bright in `ir`, with the same step in levels. Luma of "
        "three equal channels is that channel.",
    ],
)
def vanish(ask: Ask) -> None:
    """Two images in which an outline (H, W) is plain to see, and whose average hides it."""
    square = torch.zeros(6, 8, dtype=torch.bool)
    square[2:5, 3:5] = True
    lone = torch.zeros(3, 3, dtype=torch.bool)
    lone[0, 2] = True
    shape = "rgb (3, H, W) and ir (1, H, W) with values from 0 to 1"
    ask.holds("a pair of images of the mask's size", square, that=lambda got: _pair_of(got, square), expected=shape)
    plain = "at least 50 grey levels between inside and outside in"
    ask.holds(
        "the person is plain to see in light",
        square,
        that=lambda got: abs(_step(luma(got[0]), square)) >= 50,
        expected=f"{plain} light",
    )
    ask.holds(
        "the person is plain to see in heat",
        square,
        that=lambda got: abs(_step(got[1], square)) >= 50,
        expected=f"{plain} heat",
    )
    hidden = "less than 1 grey level between inside and outside in the average"
    for name, mask in (("the average hides the person", square), ("... of any shape", lone)):
        ask.holds(name, mask, that=lambda got, mask=mask: abs(_average_step(got, mask)) < 1, expected=hidden)


def _picture(rows: list[list[int]]) -> Tensor:
    """Two channels (2, 2, 3): these rows, and 6 more wherever they are not 0."""
    first = torch.tensor(rows, dtype=torch.float32)
    return torch.stack([first, torch.where(first > 0, first + 6, 0)])


def _arrows(u: float, v: float) -> Tensor:
    """The same arrow everywhere, (2, 2, 3)."""
    return torch.tensor([u, v], dtype=torch.float32).view(2, 1, 1).repeat(1, 2, 3)


@exercise(
    "ch1.look_back",
    hints=[
        "Stand on a pixel of the first image and ask where its point has gone: (x + u, y + v) in the next image.",
        "`torch.meshgrid(torch.arange(H), torch.arange(W), indexing='ij')` gives y and x of every pixel; "
        "flow[0] is u (to the right), flow[1] is v (down).",
        "With `x2 = x + flow[0].long()` and `y2 = y + flow[1].long()`, fetch `image_next[:, y2.clamp(0, H - 1), "
        "x2.clamp(0, W - 1)]`, and set to 0 where x2 or y2 has left the picture.",
    ],
)
def look_back(ask: Ask) -> None:
    """Backward warping with a whole-number flow: (C, H, W) and (2, H, W) give (C, H, W)."""
    picture = _picture([[1, 2, 3], [4, 5, 6]])
    ask.equals("without motion the picture stays", picture, _arrows(0, 0), want=picture)
    want = _picture([[2, 3, 0], [5, 6, 0]])
    ask.equals("u = 1 fetches from one pixel to the right, and 0 from outside", picture, _arrows(1, 0), want=want)
    want = _picture([[0, 0, 0], [1, 2, 3]])
    ask.equals("v = -1 fetches from one pixel above, and 0 from outside", picture, _arrows(0, -1), want=want)
    want = _picture([[0, 4, 5], [0, 0, 0]])
    ask.equals("to the left and down, beyond the other two edges", picture, _arrows(-1, 1), want=want)
    lone = _arrows(0, 0)
    lone[:, 0, 0] = torch.tensor([2.0, 1.0])
    want = _picture([[6, 2, 3], [4, 5, 6]])
    ask.equals("every pixel follows its own arrow", picture, lone, want=want)


@exercise(
    "ch1.warmest",
    hints=[
        "Look at one object at a time: which of its numbers says how warm it is as a whole, whatever its size?",
        "`instances == i` is the mask of object i, `ir[0][instances == i].mean()` its mean warmth; 0 is no object.",
        "Collect the ids with `instances.unique()`, leave out 0, and return `max(ids, key=...)` as an int.",
    ],
)
def warmest(ask: Ask) -> None:
    """The id of the object with the highest mean infrared value: (1, H, W) and (H, W) give an int."""
    instances = torch.tensor([[0, 0, 4, 4], [7, 7, 4, 4], [7, 0, 0, 9]])
    ir = torch.tensor([[[0.1, 0.1, 0.3, 0.3], [0.6, 0.6, 0.3, 0.3], [0.6, 0.1, 0.1, 0.2]]])
    ask.equals("the answer is the id, a whole number", ir, instances, want=7)
    hot_ground = ir.where(instances > 0, 0.9)
    ask.equals("what belongs to no object (0) does not count", hot_ground, instances, want=7)
    warm = ir.where(instances != 4, 0.5)
    ask.equals("a large object is not warmer for being large", warm, instances, want=7)
    speck = ir.clone()
    speck[0, 0, 2] = 1.0
    ask.equals("one hot pixel does not make a warm object", speck, instances, want=7)
    half = ir.clone()
    half[0, :2, 3] = 1.0
    ask.equals("the mean decides, not the median", half, instances, want=4)
