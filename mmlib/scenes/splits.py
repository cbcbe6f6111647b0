"""Seeds: which numbers belong to which split, and how a seed becomes random draws."""

import numpy as np

from mmlib.scenes.vocabulary import VERSION

FIRST = {"train": 0, "val": 1_000_000, "test": 2_000_000}
"""First seed of each split; a split ends where the next begins (test ends at 2 999 999)."""
LAST_SEED = 2_999_999

_STREAMS = ("layout", "actors", "light", "sensor", "language", "asset")


def split_seeds(split: str, n: int, start: int = 0) -> range:
    """The seeds `start ... start + n - 1` of a split ("train", "val" or "test"); each split holds 1 000 000."""
    if split not in FIRST:
        raise ValueError(f"split must be one of {sorted(FIRST)}, got {split!r}")
    if n < 0 or start < 0 or start + n > 1_000_000:
        raise ValueError(f"a split holds 1 000 000 seeds; got start={start}, n={n}: ask for fewer")
    return range(FIRST[split] + start, FIRST[split] + start + n)


def split_of(seed: int) -> str:
    """The split that a seed belongs to. Raises TypeError for non-integers, ValueError outside 0 ... 2 999 999."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"a seed is an integer, got {seed!r} ({type(seed).__name__})")
    if not 0 <= seed <= LAST_SEED:
        raise ValueError(f"a seed lies in 0 ... {LAST_SEED}, got {seed}: take seeds from split_seeds(split, n)")
    return max((first, name) for name, first in FIRST.items() if seed >= first)[1]


def family_of(seed: int) -> str:
    """The asset family a seed may draw from: "test" for test seeds, "train" for train and val."""
    return "test" if split_of(seed) == "test" else "train"


def draws(seed: int, stream: str) -> np.random.Generator:
    """A counter-based generator (Philox) for one purpose of one seed; the same draws on every machine.

    Separate streams keep one knob from moving another: asking for fog never moves a pedestrian.
    """
    words = [int(part) for part in VERSION.split(".")] + [int(seed), _STREAMS.index(stream)]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))
