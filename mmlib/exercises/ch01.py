"""What chapter 1's exercises ask for: average two senses, look along the flow, find the warmest."""

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise

RGB = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)  # orange; its luma is 0.5925
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
    white = torch.ones(1, 3, 2, 2)
    ask.equals("white light over white heat stays white", white, white[:, :1], want=white[:, :1])
    ask.equals(
        "white light without any heat gives middle grey",
        white[..., :1],
        0 * white[:, :1, :, :1],
        want=0.5 * white[:, :1, :, :1],
    )
    want = (0.5925 + IR) / 2
    ask.equals("colours count as the eye sees them (luma, not the plain mean)", RGB.expand(1, 3, 1, 2), IR, want=want)
    batch = torch.stack([0 * white[0], white[0]])
    ask.equals("every scene of a batch is fused on its own", batch, batch[:, :1], want=batch[:, :1])


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
    picture = torch.arange(12.0).view(1, 3, 4) + 1
    still = torch.zeros(2, 3, 4)
    ask.equals("without motion the picture stays", picture, still, want=picture)
    right = still.clone()
    right[0] = 1
    want = torch.tensor([[[2.0, 3, 4, 0], [6, 7, 8, 0], [10, 11, 12, 0]]])
    ask.equals("u = 1 fetches from one pixel to the right, and 0 from outside", picture, right, want=want)
    up = still.clone()
    up[1] = -1
    want = torch.tensor([[[0.0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8]]])
    ask.equals("v = -1 fetches from one pixel above", picture, up, want=want)
    left, below = still.clone(), still.clone()
    left[0] = -1
    below[1] = 1
    want = torch.tensor([[[0.0, 1, 2, 3], [0, 5, 6, 7], [0, 9, 10, 11]]])
    ask.equals("u = -1 fetches from the left, and 0 from beyond the left edge", picture, left, want=want)
    want = torch.tensor([[[5.0, 6, 7, 8], [9, 10, 11, 12], [0, 0, 0, 0]]])
    ask.equals("v = 1 fetches from below, and 0 from beyond the last row", picture, below, want=want)
    mixed = still.clone()
    mixed[:, 1, 1] = torch.tensor([2.0, 1.0])
    want = picture.clone()
    want[0, 1, 1] = 12
    ask.equals("every pixel follows its own arrow", picture, mixed, want=want)
    ask.equals("colour channels travel together", picture.repeat(3, 1, 1), mixed, want=want.repeat(3, 1, 1))


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
    ask.equals(
        "what belongs to no object (0) does not count", ir.where(instances > 0, torch.tensor(0.9)), instances, want=7
    )
    large = ir.where(instances != 4, torch.tensor(0.5))
    ask.equals("a large object is not warmer for being large", large, instances, want=7)
    speck = ir.clone()
    speck[0, 0, 2] = 1.0
    ask.equals("one hot pixel does not make a warm object", speck, instances, want=7)
    half = ir.clone()
    half[0, :2, 3] = 1.0
    ask.equals("the mean decides, not the median", half, instances, want=4)
    ask.equals("one object alone is the warmest", ir, torch.where(instances == 9, 9, 0), want=9)
