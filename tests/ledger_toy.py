"""Two toy papers with records, for the tests of the ledger: one is judged, one is being measured anew."""

import json
from pathlib import Path

import yaml

from mmlib.files import ROOT
from mmlib.results import training_block
from mmlib.results.fingerprint import code_hashes

NOTEBOOK = "nbs/01_one_scene.ipynb"
TEST = {"split": "val", "convention": "mean of all classes"}
ALIVE = {"flow path": {when: {"called": 1.0, "never": 0.0, "varies": 0.5} for when in ("start", "middle", "end")}}
MACHINE = {"device": "CPU, 2 cores", "cpu": "Toy 9000", "instructions": "AVX512", "threads": 1, "precision": "bf16"}
SEEDS = 10
CODE = code_hashes(ROOT / NOTEBOOK)

TABLE = {
    "id": "t1",
    "title": "Table 1",
    "kind": "context",
    "grade": "S",
    "metric": "miou",
    "convention": TEST["convention"],
    "data": "streets",
    "split": TEST["split"],
    "scale": 100,
    "doubts": ["read in a scan"],
    "columns": ["mIoU"],
    "rows": [
        {"row": "Other", "cells": [{"value": "70.1", "doubts": ["the last digit is smudged"], "instead": "70.7"}]},
        {
            "row": "Ours",
            "kind": "value",
            "cells": ["52.1"],
            "measure": {"variant": "flow", "data": "streets", "preset": "night", "seeds": 5, "path": "test.miou"},
        },
    ],
}


def direction(**change) -> dict:
    """The toy's headline claim, with changes."""
    made = {"id": "flow_helps", "headline": True, "statement": "Flow helps.", "a": "flow", "b": "plain"}
    made |= {"metric": "test.miou", "data": "streets", "preset": "night", "seeds": SEEDS, "scale": 100, "grade": "S"}
    made |= {"controls": ["shuffled"], "parts": ["flow path"], "floor": "test.floor", "printed": "+1.9"}
    return made | {"cells": ["t1.ours.miou"], "unit": "points"} | change


def papers(*directions: dict) -> dict[str, dict]:
    """The claims files, by key."""
    toy = {"key": "toy", "title": "Toy", "chapter": "01_toy", "source": "made for tests"}
    toy |= {"labels": {"shuffled": "shuffled flow"}, "tables": [TABLE], "directions": list(directions or [direction()])}
    dead = {"key": "dead", "title": "Dead", "chapter": "02_dead", "source": "made for tests"}
    dead |= {"remeasured": "its networks were dead"}
    dead |= {"directions": [direction(cells=[]), direction(id="again", cells=[])]}
    return {"toy": toy, "dead": dead}


def record(variant: str, seed: int, miou: float, steps: int = 160, **change) -> dict:
    """A valid record of one run, current unless something is changed."""
    losses = [1.0] * steps
    made = {"schema": 2, "paper": "toy", "variant": variant, "data": "streets", "data_fingerprint": "f" * 64}
    made |= {"preset": "night", "seed": seed, "values": {"test": {"miou": miou, "floor": 0.2, **TEST}}, "health": ALIVE}
    made |= {"training": training_block(losses, data_order="seeded", augmentation="flip", tuning="one rate for all")}
    made |= {"notebook": NOTEBOOK, "code": CODE, "commit": "0123456789abcdef"}
    made |= {"versions": {}, "machine": MACHINE, "wall_s": 1.0, "cpu_s": 1.0, "peak_memory_mib": 1.0}
    return made | {"made": f"2026-12-0{1 + seed % 2}T00:00:00+00:00"} | change


def grid(**scores: float) -> list[dict]:
    """All runs of some variants, each scoring about so much, with those of twice the steps."""
    made = []
    for variant, score in scores.items():
        made += [record(variant, seed, score + 0.001 * (seed % 3)) for seed in range(SEEDS)]
        made += [record(f"{variant}_x2", seed, score + 0.001 * (seed % 3), steps=320) for seed in range(3)]
    return made


def write(folder: Path, claims: dict[str, dict], records: list[dict]) -> tuple[Path, Path]:
    """Write claims and records; the two folders, as `ledger_html` takes them."""
    for key, text in claims.items():
        path = folder / "claims" / f"{key}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(text))
    for made in records:
        name = f"{made['variant']}-{made['data']}-{made['preset']}-{made['seed']}.json"
        path = folder / "results" / made["paper"] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made))
    return folder / "claims", folder / "results"
