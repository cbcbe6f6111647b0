"""What chapter 9's exercises ask for: a sentence's mean, places' middles, a stack of answers, luck, hidden classes."""

import torch

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import Exercise, exercise

NAN = float("nan")
H = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]], [[5.0, 6.0], [7.0, 7.0], [8.0, 8.0]]])
WORDS = torch.tensor([[True, True, False], [True, False, False]])


@exercise(
    "ch9.mean",
    hints=[
        "The sum runs over the words alone, and so does the count. How many words has each phrase?",
        "`is_word[..., None]` has the shape (N, T, 1), so that it fits beside (N, T, C).",
        "Anything may stand behind a phrase's end, even NaN, and NaN times 0 is NaN. `torch.where(mask, h, 0.0)` drops "
        "it.",
    ],
)
def sentence_mean(ask: Ask) -> None:
    """The mean of word vectors (N, T, C) over the words that (N, T) bool marks."""
    full = torch.ones(1, 3, dtype=torch.bool)
    ask.equals("without padding it is the mean", H[1:], full, want=torch.tensor([[20 / 3, 7.0]]))
    ask.equals("padding is not counted", H[:1], WORDS[:1], want=torch.tensor([[2.0, 3.0]]))
    want = torch.tensor([[2.0, 3.0], [5.0, 6.0]])
    ask.equals("each phrase is divided by its own number of words", H, WORDS, want=want)
    broken = H.masked_fill(~WORDS[..., None], NAN)
    ask.equals("whatever stands in the padding, NaN too", broken, WORDS, want=want)


@exercise(
    "ch9.centres",
    hints=[
        "Along one side with n places, place k reaches from 2 k / n - 1 to 2 (k + 1) / n - 1. Its middle?",
        "The middle is (2 k + 1) / n - 1. x changes along the last axis, y along the one before.",
        "`x.expand(height, width)` repeats a row, `y[:, None].expand(height, width)` a column; stack x first.",
    ],
)
def centres(ask: Ask) -> None:
    """The middles of places, x then y, in a picture that reaches from -1 to 1."""
    ask.equals("one place has its middle in the picture's", 1, 1, want=torch.zeros(2, 1, 1))
    row = torch.tensor([[[-0.5, 0.5]], [[0.0, 0.0]]])
    ask.equals("two places side by side: x, then y", 1, 2, want=row)
    ask.equals("two places on top of each other: y grows downwards", 2, 1, want=row.flip(0).transpose(1, 2))
    third = 2 / 3
    want = torch.tensor([[[-third, 0.0, third]] * 2, [[-0.5] * 3, [0.5] * 3]])
    ask.equals("two rows of three", 2, 3, want=want)


LOGITS = torch.tensor([[[2.0, 0.0, -1.0]], [[0.0, 0.1, 3.0]], [[-2.0, 0.0, -1.0]]])


@exercise(
    "ch9.stack",
    hints=[
        "First turn the names' logits into shares that add up to one at each pixel: a softmax over which axis?",
        "`probabilities.max(dim=0)` gives the largest value and where it stands.",
        "`torch.where(trust < least, 255, labels)` marks the unsure pixels.",
    ],
)
def class_map(ask: Ask) -> None:
    """The label map of class mode (H, W), 255 where the strongest name is unsure."""
    ask.equals("the strongest name wins", LOGITS, 0.0, want=torch.tensor([[0, 1, 1]]))
    ask.equals("an unsure pixel is 255", LOGITS, 0.5, want=torch.tensor([[0, 255, 1]]))
    ask.equals("the names compete: it is a softmax, not a sigmoid", LOGITS, 0.9, want=torch.tensor([[255, 255, 1]]))
    ask.equals("what adds to all logits alike changes nothing", LOGITS + 5.0, 0.5, want=torch.tensor([[0, 255, 1]]))


luck = Exercise(
    "ch9.luck",
    hints=[
        "Whoever points at one of n things at random is right once in n times.",
        "The shares of the single phrases are averaged, not the numbers of things.",
        "`sum(1 / count for count in counts) / len(counts)`",
    ],
)

hidden_mean = Exercise(
    "ch9.hidden",
    hints=[
        "A mean over n classes times n is the sum over all of them.",
        "Take away what is shown, and divide by how many classes are left.",
        "`hidden = classes - len(shown)`; if it is 0 there is nothing to compute, and nothing to divide by.",
    ],
)
