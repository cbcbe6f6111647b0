"""Words for referring expressions: a small tokenizer, a vocabulary that pads and masks, and GloVe vectors."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.files import read_arrays

PAD, UNKNOWN = "<pad>", "<unk>"
OOV = ("error", "zeros", "mean")
"""What to do with a word that has no vector: refuse it, give it zeros, or the mean of all vectors."""

GLOVE_FILE = "glove_6B_100d_top20k_fp16.npz"

_WORD = re.compile(
    r"[^\W_]+?(?=n['\u2019]t\b)"  # the "is" of "isn't", as GloVe's text was split
    r"|n['\u2019]t\b"
    r"|['\u2019](?:s|re|ve|ll|d|m)\b"
    r"|[^\W_]+(?:-[^\W_]+)*"
)


def tokenize(text: str) -> list[str]:
    """Lower-case words of an English sentence, as GloVe's own text was split: "the car's left-most wheel isn't red" ->
    ["the", "car", "'s", "left-most", "wheel", "is", "n't", "red"]. An accent belongs to its letter, in whichever way it
    was typed. Other punctuation is dropped. ValueError if no word is left.
    """
    composed = unicodedata.normalize("NFC", text)
    words = [word.replace("\u2019", "'") for word in _WORD.findall(composed.lower())]
    if not words:
        raise ValueError(f"expected a sentence with at least one word, got {text!r}")
    return words


@dataclass(frozen=True)
class Vocabulary:
    """A list of words with ids: 0 is padding, 1 any unknown word, then `words` in their order."""

    words: tuple[str, ...]
    ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(set(self.words)) != len(self.words) or {PAD, UNKNOWN} & set(self.words):
            repeated = [w for w, n in Counter(self.words).items() if n > 1]
            raise ValueError(
                f"expected distinct words other than {PAD} and {UNKNOWN}, got {repeated or self.words[:5]}"
            )
        object.__setattr__(self, "ids", {word: i for i, word in enumerate((PAD, UNKNOWN, *self.words))})

    @classmethod
    def of(cls, texts: Iterable[str], min_count: int = 1) -> "Vocabulary":
        """The words of these texts that occur at least `min_count` times, the most frequent first, ties by alphabet."""
        counts = Counter(word for text in texts for word in tokenize(text))
        kept = [word for word, n in counts.items() if n >= min_count]
        return cls(tuple(sorted(kept, key=lambda word: (-counts[word], word))))

    def __len__(self) -> int:
        return len(self.ids)

    def encode(self, texts: Sequence[str], length: int | None = None, unknown: str = "error") -> tuple[Tensor, Tensor]:
        """Sentences -> tokens (B,T) int64, padded with 0 at the end, and mask (B,T) bool, True on words.

        T is `length`, or the longest sentence. `unknown`: "error", or "unk" to use id 1. TypeError for anything but a
        list or tuple of strings; ValueError for a word outside the vocabulary, a sentence longer than `length`, no
        sentence at all, or a sentence without words.
        """
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            advice = "next: call its tolist()" if hasattr(texts, "tolist") else "next: put the sentences into a list"
            raise TypeError(f"expected a list of sentences, got {type(texts).__name__}; {advice}")
        if not texts or unknown not in ("error", "unk"):
            raise ValueError(f"expected a list of sentences and unknown 'error' or 'unk', got {texts!r}, {unknown!r}")
        rows = [[self._id(word, text, unknown) for word in tokenize(text)] for text in texts]
        longest = max(map(len, rows))
        width = longest if length is None else length
        if longest > width:
            text = texts[[len(r) for r in rows].index(longest)]
            raise ValueError(f"expected at most {width} words, got {longest} in {text!r}; raise `length`")
        tokens = torch.zeros(len(rows), width, dtype=torch.int64)
        for i, row in enumerate(rows):
            tokens[i, : len(row)] = torch.tensor(row)
        return tokens, tokens != self.ids[PAD]

    def decode(self, tokens: Tensor) -> list[str]:
        """Tokens (B,T) -> B strings of words joined by spaces, padding left out."""
        words = tuple(self.ids)
        return [" ".join(words[i] for i in row if i != self.ids[PAD]) for row in tokens.tolist()]

    def _id(self, word: str, text: str, unknown: str) -> int:
        if word not in self.ids and unknown == "error":
            raise ValueError(
                f"{word!r} in {text!r} is not among the {len(self.words)} words; use unknown='unk' to accept it"
            )
        return self.ids.get(word, self.ids[UNKNOWN])


@dataclass(frozen=True)
class Glove:
    """Word vectors: `words`, `vectors` (N,100) float32, `index` {word: row}."""

    words: tuple[str, ...]
    vectors: Tensor
    index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {word: i for i, word in enumerate(self.words)})

    def __contains__(self, word: str) -> bool:
        return word in self.index

    def vector(self, word: str, oov: str = "error") -> Tensor:
        """The vector (100,) of a word; a word that has none is treated as `oov` says (one of OOV). KeyError for
        "error"."""
        if oov not in OOV:
            raise ValueError(f"oov: expected one of {', '.join(OOV)}, got {oov!r}")
        if word in self.index:
            return self.vectors[self.index[word]]
        if oov == "error":
            raise KeyError(f"GloVe has no vector for {word!r} ({len(self.words)} words); choose oov='zeros' or 'mean'")
        return self.vectors.mean(0) if oov == "mean" else torch.zeros(self.vectors.shape[1])

    def missing(self, words: Iterable[str]) -> list[str]:
        """Those of `words` that have no vector, in their order."""
        return [word for word in words if word not in self.index]

    def table(self, vocabulary: Vocabulary, oov: str = "zeros") -> Tensor:
        """A (len(vocabulary), 100) table for nn.Embedding: padding zeros, <unk> the mean of all vectors, words by
        `oov`."""
        rows = [torch.zeros(self.vectors.shape[1]), self.vectors.mean(0)]
        return torch.stack(rows + [self.vector(word, oov) for word in vocabulary.words])

    def nearest(self, word: str, count: int = 4) -> list[tuple[str, float]]:
        """The `count` other words whose vectors point most nearly the same way, with the cosines, the nearest first.
        KeyError for a word without a vector."""
        cosines = torch.cosine_similarity(self.vectors, self.vector(word)[None])
        cosines[self.index[word]] = -torch.inf
        best = cosines.topk(count)
        return [(self.words[row], value) for row, value in zip(best.indices.tolist(), best.values.tolist())]

    def similarity(self, first: str, second: str) -> float:
        """Cosine of the angle between two words' vectors, -1..1. KeyError for a word without one."""
        return torch.cosine_similarity(self.vector(first), self.vector(second), dim=0).item()


def glove(path: str | Path | None = None) -> Glove:
    """GloVe 6B, 100 dimensions, the 20 000 most frequent words and 14 for referring expressions (Pennington et al.,
    2014).

    Not among them: the word "a". Stored as float16 (rounded by at most 0.001), returned as float32. `path` names
    another .npz with `words` and `vectors`. DataMissing where there is no file, ValueError for a damaged one.
    """
    if path is None:
        folder = set_folder("glove")
        path = verified(folder, folder / GLOVE_FILE)
    if not Path(path).is_file():
        raise DataMissing(f"GloVe: {path} does not exist; obtain it with: {command('glove')}")
    words, vectors = read_arrays(path, "words", "vectors")
    kinds = words.dtype.kind == "U" and vectors.dtype.kind == "f"
    if not kinds or words.ndim != 1 or vectors.ndim != 2 or len(words) != len(vectors):
        got = f"words {words.dtype} {words.shape}, vectors {vectors.dtype} {vectors.shape}"
        raise ValueError(f"{path}: expected one vector of floats per word, got {got}; obtain it again")
    if not np.isfinite(vectors).all() or len(set(words.tolist())) < len(words):
        raise ValueError(f"{path}: expected one finite vector per word, got NaN, infinity or a word twice")
    return Glove(tuple(words.tolist()), torch.from_numpy(vectors.astype(np.float32)))
