"""Hints to chapter 3's exercises: metrics to fool, a peak, shared bits, three means, a share of sentences."""

from mmlib.exercises.checking import Exercise

scramble = Exercise(
    "ch3.scramble",
    hints=[
        "EN and SD know how often each grey level occurs. What do they not know?",
        "They do not know where a level stands. Any rearrangement of the pixels has the same histogram.",
        "Mix the pixels: `torch.randperm(n)` gives an order in which to read them; `view` gives back the shape.",
    ],
)

cheat = Exercise(
    "ch3.cheat",
    hints=[
        "Five metrics, two tricks. Which picture is first in MI, and what raises all that count variation?",
        "Copy the visible image. Its MI with itself is its whole entropy, and a change of contrast that loses no level "
        "keeps that.",
        "Stretch it until its darkest pixel is 0 and its brightest 1: `(rgb - rgb.min()) / (rgb.max() - rgb.min())`.",
    ],
)

psnr = Exercise(
    "ch3.psnr",
    hints=[
        "Do it in three steps: one error per source, their mean, the logarithm last.",
        "`((fused - rgb) ** 2).mean()` is one of the two errors. Average the errors, not the decibels.",
        "`peak ** 2` stands over the error; with `peak=None` it is `fused.max() ** 2`, not the sources' maximum.",
    ],
)

mutual_information = Exercise(
    "ch3.mutual_information",
    hints=[
        "You need the same thing three times: the entropy in bits of a list of whole numbers.",
        "`torch.bincount` gives the histogram; divide by the number of pixels, and leave out the empty bins before the "
        "logarithm.",
        "A pair of levels becomes one whole number as `a * 256 + f`; the entropy of those numbers is H(A, F).",
    ],
)

blind_spot = Exercise(
    "ch3.blind_spot",
    hints=[
        "Accuracy counts pixels, mIoU counts classes. Which classes cost you the fewest pixels?",
        "Call everything by the name of the largest class: every other class has an IoU of 0.",
        "If fewer than 10 % of the pixels are wrong then, there is room left. Give some pixels of the large class to a "
        "small one: the large class's IoU falls, too.",
    ],
)

miou = Exercise(
    "ch3.miou",
    hints=[
        "Hits are on the diagonal. The union of a class is its row plus its column, minus the hits counted twice.",
        "Make the IoU of every class first, 0 where the union is 0. The three policies differ only in which classes "
        "they average.",
        '"skip" averages where the union is above 0, "gt_only" where the row sum is, "zero" everywhere.',
    ],
)

precision_at = Exercise(
    "ch3.precision_at",
    hints=[
        "One IoU per sentence first, then count.",
        "A bool tensor's mean is the share of True, after `.double()`. At least means `>=`.",
        "Where the union is 0 there is nothing to divide by: `torch.where(unions > 0, intersections / unions, 0.0)`.",
    ],
)
