"""What chapter 3's exercises ask for: a peak, shared bits, three means of one matrix, a share of sentences."""

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import exercise


def _flat(*levels: float) -> torch.Tensor:
    """A grey image (1, 1, 1, W) with these levels."""
    return torch.tensor(levels, dtype=torch.float64).view(1, 1, 1, -1)


@exercise(
    "ch3.psnr",
    hints=[
        "Do it in three steps: one error per source, their mean, the logarithm last.",
        "`((fused - rgb) ** 2).mean()` is one of the two errors. Average the errors, not the decibels.",
        "`peak ** 2` stands over the error; with `peak=None` it is `fused.max() ** 2`, not the sources' maximum.",
    ],
)
def psnr(ask: Ask) -> None:
    """PSNR of a grey image on 0..255 against two sources, with a fixed peak or the largest level of the fused image."""
    zero, ten = _flat(0, 0), _flat(10, 10)
    db = 20 * torch.log10(torch.tensor(255 / 10)).item()
    ask.equals("off by 10 everywhere, peak 255", ten, zero, zero, 255, want=db, atol=1e-3)
    ask.equals("a tenth of the peak is 20 dB less", ten, zero, zero, 25.5, want=db - 20, atol=1e-3)
    want = 10 * torch.log10(torch.tensor(255.0**2 / 50)).item()
    ask.equals("the two errors are averaged before the logarithm", ten, zero, ten, 255, want=want, atol=1e-3)
    ask.equals("with peak=None the largest fused level is the peak", ten, zero, zero, None, want=0.0, atol=1e-4)
    fused, rgb, ir = _flat(50, 100), _flat(50, 200), _flat(50, 100)
    want = 10 * torch.log10(torch.tensor(100.0**2 / 2500)).item()
    ask.equals("... of the fused image, not of the sources", fused, rgb, ir, None, want=want, atol=1e-3)


@exercise(
    "ch3.mutual_information",
    hints=[
        "You need the same thing three times: the entropy in bits of a list of whole numbers.",
        "`torch.bincount` gives the histogram; divide by the number of pixels, and leave out the empty bins before the "
        "logarithm.",
        "A pair of levels becomes one whole number as `a * 256 + f`; the entropy of those numbers is H(A, F).",
    ],
)
def mutual_information(ask: Ask) -> None:
    """Bits that two images of whole grey levels (H, W) share."""
    coin, other = torch.tensor([[0, 0, 100, 100]]), torch.tensor([[0, 100, 0, 100]])
    ask.equals("a fair coin tells 1 bit about itself", coin, coin, want=1.0, atol=1e-4)
    ask.equals("two independent coins share nothing", coin, other, want=0.0, atol=1e-4)
    ask.equals("the chapter's F shares half a bit with A", coin, torch.tensor([[0, 50, 50, 100]]), want=0.5, atol=1e-4)
    ask.equals("a constant picture shares nothing", coin, torch.full((1, 4), 7), want=0.0, atol=1e-4)
    ask.equals("a negative shares everything", coin, 255 - coin, want=1.0, atol=1e-4)
    four = torch.tensor([[0, 85], [170, 255]])
    ask.equals("four levels, four places: 2 bits", four, four.flip(1), want=2.0, atol=1e-4)
    two, all_levels = torch.arange(2).repeat_interleave(256)[None], torch.arange(256).repeat(2)[None]
    ask.equals("every pair of levels is a pair of its own", two, all_levels, want=0.0, atol=1e-4)
    ask.equals("... whichever of the two pictures has more levels", all_levels, two, want=0.0, atol=1e-4)


@exercise(
    "ch3.miou",
    hints=[
        "Hits are on the diagonal. The union of a class is its row plus its column, minus the hits counted twice.",
        "Make the IoU of every class first, 0 where the union is 0. The three policies differ only in which classes "
        "they average.",
        '"skip" averages where the union is above 0, "gt_only" where the row sum is, "zero" everywhere.',
    ],
)
def miou(ask: Ask) -> None:
    """Mean IoU of a confusion matrix (C, C), rows true, under a policy for absent classes."""
    good = torch.tensor([[2, 0], [0, 3]])
    for policy in ("skip", "gt_only", "zero"):
        ask.equals(f"a perfect matrix gives 1 ({policy})", good, policy, want=1.0)
    lopsided = torch.tensor([[3, 1], [0, 0]])
    ask.equals("rows are the true classes", lopsided, "gt_only", want=0.75)
    ask.equals("a class that is only predicted counts 0 under skip", lopsided, "skip", want=0.375)
    chapter = torch.tensor([[1, 1, 0, 0], [0, 2, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    ask.equals("the chapter's five pixels, skip", chapter, "skip", want=1 / 3)
    ask.equals("the chapter's five pixels, gt_only", chapter, "gt_only", want=1 / 2)
    ask.equals("the chapter's five pixels, zero", chapter, "zero", want=1 / 4)


@exercise(
    "ch3.precision_at",
    hints=[
        "One IoU per sentence first, then count.",
        "A bool tensor's mean is the share of True, after `.double()`. At least means `>=`.",
        "Where the union is 0 there is nothing to divide by: `torch.where(unions > 0, intersections / unions, 0.0)`.",
    ],
)
def precision_at(ask: Ask) -> None:
    """Share of pairs with IoU of at least x, from int64 counts (N,)."""
    three, four = torch.tensor([1, 2, 4]), torch.tensor([4, 4, 4])
    ask.equals("IoUs 0.25, 0.5, 1 at 0.9", three, four, 0.9, want=1 / 3)
    ask.equals("an IoU of exactly x counts", three, four, 0.5, want=2 / 3)
    ask.equals("sentences count alike, however large", torch.tensor([0, 900]), torch.tensor([1, 1000]), 0.5, want=0.5)
    none = torch.tensor([0, 3])
    ask.equals("nothing meant, nothing marked counts as a miss", none, none, 0.5, want=0.5)
