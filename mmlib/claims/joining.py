"""Find the runs that a claim asks for, and take one number out of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmlib.runs import load_record, record_path
from mmlib.runs.fingerprint import ROOT

Record = dict[str, Any]


@dataclass(frozen=True, order=True)
class Key:
    """What names one run: the paper (its folder in results/), variant, data, preset and seed."""

    paper: str
    variant: str
    data: str
    preset: str
    seed: int

    def path(self, folder: Path | str) -> Path:
        """Where the record of this run lies below ``folder``."""
        parts = {"variant": self.variant, "data": self.data, "preset": self.preset, "seed": self.seed}
        return record_path(folder, chapter=self.paper, **parts)

    def __str__(self) -> str:
        return f"{self.paper}/{self.variant}-{self.data}-{self.preset}-{self.seed}"


class Incomplete(Exception):
    """Runs are missing, or cannot be compared; the text says which and what to do."""


def key_of(record: Record) -> Key:
    """The key that a record names itself by."""
    return Key(record["chapter"], record["variant"], record["data"], record["preset"], record["seed"])


def read_records(paper: str, folder: Path | str | None = None) -> dict[Key, Record]:
    """All records of one paper in ``folder`` (default ``results/``), by key.

    Raises:
        ValueError: a file is no valid record, or lies under another name than its content says.
    """
    folder = Path(folder or ROOT / "results")
    found = {}
    for path in sorted((folder / paper).glob("*.json")):
        record = load_record(path)
        key = key_of(record)
        if key.path(folder) != path:
            raise ValueError(f"{path}: expected the record of {path.stem}, got that of {key}; next: make it again")
        found[key] = record
    return found


def number_at(record: Record, path: str) -> float:
    """The number at a dotted path such as ``"test.miou"`` in a record's values.

    Raises:
        Incomplete: there is none.
    """
    value: Any = record["values"]
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise Incomplete(f"expected a number at {path!r} in the record of {key_of(record)}, got {value!r}")
    return float(value)


def sibling(record: Record, path: str, name: str) -> Any:
    """What the record says under ``name`` beside the number at ``path``, such as its split or convention."""
    value: Any = record["values"]
    for part in path.split(".")[:-1]:
        value = value.get(part, {}) if isinstance(value, Mapping) else {}
    return value.get(name) if isinstance(value, Mapping) else None


def arm(records: Mapping[Key, Record], paper: str, variant: str, data: str, preset: str, seeds: int) -> list[Record]:
    """The records of one variant for seeds 0 to ``seeds - 1``: all of them, and no others.

    The seeds are fixed beforehand, so that nobody stops when the interval looks right.

    Raises:
        Incomplete: some are missing.
    """
    keys = [Key(paper, variant, data, preset, seed) for seed in range(seeds)]
    missing = [key for key in keys if key not in records]
    if missing:
        raise Incomplete(f"{seeds - len(missing)} of {seeds} seeds of {variant} are there")
    return [records[key] for key in keys]
