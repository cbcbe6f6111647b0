"""What this process has read: data sets and weights. A record says so, and becomes stale when one of them changes."""

from __future__ import annotations

READERS: dict[str, str] = {}
"""Data sets that were loaded, each with the module that reads it: {"davis": "mmlib.data.davis"}."""

WEIGHTS: dict[str, str] = {}
"""Weights that were loaded, each with the sha256 of its file: {"tsjnet/start": "3f0c..."}."""


def note_reader(name: str, module: str) -> None:
    """Remember that the data set `name` was read by `module`."""
    READERS[name] = module


def note_weights(name: str, sha256: str) -> None:
    """Remember that the weights `name`, whose file has this sha256, were loaded."""
    WEIGHTS[name] = sha256
