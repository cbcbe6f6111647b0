"""Frames of one recording look alike: splitting by recording, and parts of a training set held back by us."""

from collections.abc import Iterable, Mapping, Sequence


def held_back(names: Sequence[str], *, block: int = 20, every: int = 10) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Our own validation part where a set has none: (what is left to fit, what is held back), both in order.

    Names are taken in blocks of `block` neighbours, and the last of every `every` blocks is held back, so that few
    neighbours are parted. With fewer than `every` blocks, the blocks shrink.
    """
    names = tuple(sorted(names))
    if len(names) < every:
        raise ValueError(f"expected at least {every} samples to hold some back, got {len(names)}; use the whole set")
    block = min(block, len(names) // every)
    held = {n for i, n in enumerate(names) if (i // block) % every == every - 1}
    return tuple(n for n in names if n not in held), tuple(n for n in names if n in held)


def part_of_train(split: str, names: Sequence[str]) -> tuple[str, ...]:
    """The samples of "train" (all), "fit" or "val" (`held_back`'s two parts of it), in order."""
    if split == "train":
        return tuple(sorted(names))
    return held_back(names)[0 if split == "fit" else 1]


def require_apart(owner: str, sequences: Mapping[str, str], splits: Mapping[str, Iterable[str]]) -> None:
    """Check that no recording lies in two splits. `sequences`: sample -> recording; samples without one pass alone.

    ValueError names the recording, the splits and a sample of each.
    """
    home: dict[str, tuple[str, str]] = {}
    for split, names in splits.items():
        for name in names:
            recording = sequences.get(name, f"sample {name}")
            first, example = home.setdefault(recording, (split, name))
            if first != split:
                raise ValueError(
                    f"{owner}: {recording} lies in both {first} ({example}) and {split} ({name}): a test on frames of "
                    "a recording that was trained on proves nothing; next: give each recording to one split"
                )
