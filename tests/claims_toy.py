"""A toy paper and toy records for the tests of claims, ledger and nightly run."""

from copy import deepcopy

from mmlib.claims import Key
from mmlib.runs.training import training_block

PAPER = {
    "key": "toy",
    "title": "Toy",
    "chapter": "01_toy",
    "source": "made for tests",
    "tables": [
        {
            "id": "t1",
            "title": "Table 1",
            "metric": "miou",
            "convention": "mean of all classes",
            "data": "streets",
            "split": "val",
            "grade": "S",
            "scale": 100,
            "kind": "context",
            "columns": ["mIoU"],
            "rows": [
                {"row": "Other", "cells": ["70.1"]},
                {
                    "row": "Ours",
                    "cells": ["52.1"],
                    "kind": "value",
                    "measure": {
                        "variant": "flow",
                        "data": "streets",
                        "preset": "laptop",
                        "seeds": 3,
                        "path": "test.{metric}",
                    },
                },
            ],
        }
    ],
    "directions": [
        {
            "id": "flow_helps",
            "headline": True,
            "statement": "Flow helps.",
            "a": "flow",
            "b": "plain",
            "metric": "test.miou",
            "data": "streets",
            "preset": "laptop",
            "seeds": 3,
            "scale": 100,
            "grade": "S",
            "printed": "+1.9",
            "cells": ["t1.ours.miou"],
        }
    ],
}


def text(**direction):
    """The toy claims file as a mapping, with changes to its one direction."""
    made = deepcopy(PAPER)
    made["directions"][0] |= direction
    return made


def falling(last_quarter: float, steps: int = 160) -> list[float]:
    """Losses that fall, in the last quarter of the run by exactly this share of the quarter before."""
    level = [2.0] * (steps // 2) + [1.0] * (steps // 4)
    return level + [1.0 - last_quarter] * (steps - len(level))


def record(variant: str, seed: int, miou: float, *, losses=None, data="streets", paper="toy", **change) -> dict:
    """A valid record of one run of the toy paper."""
    same = {"data_order": "seeded", "augmentation": "flip", "tuning": "one rate for all"}
    training = training_block(falling(0.01) if losses is None else losses, **same) | change.pop("training", {})
    test = {"miou": miou, "split": "val", "convention": "mean of all classes"} | change.pop("test", {})
    made = {
        "schema": 1,
        "chapter": paper,
        "variant": variant,
        "data": data,
        "data_fingerprint": "f",
        "preset": "laptop",
        "seed": seed,
        "values": {"test": test, "training": training},
        "code_fingerprint": "c" * 64,
        "commit": "0123456789abcdef",
        "versions": {"torch": "2.15.0"},
        "device": "CPU",
        "wall_s": 1.0,
        "peak_memory_mib": 100.0,
        "made": "2026-11-20T00:00:00+00:00",
    }
    return made | change


def by_key(*records: dict) -> dict[Key, dict]:
    """Records by their key."""
    return {Key(r["chapter"], r["variant"], r["data"], r["preset"], r["seed"]): r for r in records}


def trained_pair(a=(0.60, 0.61, 0.62), b=(0.50, 0.51, 0.52), twice=(0.7, 0.6), **change) -> list[dict]:
    """Three seeds of flow and plain, and one seed of each with twice the steps."""
    made = [record("flow", s, x, **deepcopy(change)) for s, x in enumerate(a)]
    made += [record("plain", s, x, **deepcopy(change)) for s, x in enumerate(b)]
    long = falling(0.0, 320)
    return [*made, record("flow_x2", 0, twice[0], losses=long), record("plain_x2", 0, twice[1], losses=long)]
