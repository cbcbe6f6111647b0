"""A toy paper and toy records, for the tests of mmlib.results."""

from copy import deepcopy
from pathlib import Path

import nbformat
import pandas
import yaml

from mmlib import uses
from mmlib.results import Key, Paper, Record, doubled, load_claims, training_block
from mmlib.results.records import check_record

SEEDS, STEPS = 5, 160
TEST = {"split": "val", "convention": "mean of all classes"}
ALIVE = {"called": 1.0, "never": 0.0, "varies": 0.5, "gradient": 0.1}
MACHINE = {"device": "CPU, 2 cores", "cpu": "Toy 9000", "instructions": "AVX512", "threads": 1, "precision": "bf16"}

CLAIMS = yaml.safe_load("""
key: toy
title: Toy
chapter: 01_toy
source: made for tests
labels: {shuffled: shuffled flow}
presets: {smoke: {steps: 20}, night: {}}
variants: {flow: {}, plain: {rate: 0.1}, sum: {}, shuffled: {}, zeroed: {}}
trials: {rate_3: {rate: 0.3}}
tables:
  - id: t1
    title: Table 1
    kind: context
    grade: S
    metric: miou
    convention: mean of all classes
    data: streets
    split: val
    scale: 100
    columns: [mIoU]
    rows:
      - {row: Other, cells: ["70.1"]}
      - row: Ours
        kind: value
        cells: ["52.1"]
        measure: {variant: flow, data: streets, preset: night, seeds: 5, path: "test.{metric}"}
directions:
  - id: flow_helps
    statement: Flow helps.
    a: flow
    b: plain
    metric: test.miou
    data: streets
    preset: night
    seeds: 5
    scale: 100
    grade: S
    printed: "+1.9"
    parts: [flow path]
    cells: [t1.ours.miou]
""")


def text(**direction) -> dict:
    """The toy's claims file as a mapping, with changes to its one direction."""
    made = deepcopy(CLAIMS)
    made["directions"][0] |= direction
    return made


def loaded(folder: Path, content: dict | str) -> Paper:
    """A claims file, written and loaded."""
    (folder / "toy.yml").write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load_claims("toy", folder)


def health(**end) -> dict:
    """The health of the one part, its last reading changed."""
    return {"flow path": {"start": ALIVE, "middle": ALIVE, "end": ALIVE | end}}


def record(variant, seed, miou, *, steps=STEPS, test=None, train=None, machine=None, **change) -> Record:
    """The record of one run; `test`, `train` and `machine` change parts of it."""
    block = training_block([1.0] * steps, data_order="seeded", augmentation="flip", tuning="one rate for all")
    made = {"schema": 2, "paper": "toy", "variant": variant, "data": "streets", "data_fingerprint": "f"}
    made |= {"preset": "night", "seed": seed, "values": {"test": {"miou": miou, "floor": 0.2, **TEST} | (test or {})}}
    made |= {"training": block | (train or {}), "health": health(), "notebook": "nbs/01_toy.ipynb", "code": {}}
    made |= {"commit": "0123456789abcdef", "versions": {}, "machine": MACHINE | (machine or {}), "wall_s": 1.0}
    made |= {"cpu_s": 1.0, "peak_memory_mib": 1.0, "made": "2026-12-01T00:00:00+00:00"}
    return check_record(made | change)


def numbers_of(scores: dict[tuple[str, str], list[float]]) -> pandas.DataFrame:
    """A frame as `mmlib.results.frame` gives: {(variant, metric): one value per seed}."""
    rows = []
    for (variant, metric), values in scores.items():
        for seed, value in enumerate(values):
            rows.append({"variant": variant, "longer": 1, "seed": seed, "metric": metric, "value": value})
    return pandas.DataFrame(rows)


def scores(level: float, variant: str = "") -> list[float]:
    """One score per seed around a level, with luck of its own for each variant."""
    return [level + 0.001 * ((3 * seed + len(variant)) % 4) for seed in range(SEEDS)]


def grid(moved: dict | None = None, **levels: float | list[float]) -> dict[Key, Record]:
    """All runs of some variants, each around its level (or with these scores), and those of twice the steps.

    moved: how much twice the steps change an arm.
    """
    made = []
    for variant, level in levels.items():
        each = level if isinstance(level, list) else scores(level, variant)
        made += [record(variant, seed, score) for seed, score in enumerate(each)]
        for seed, score in enumerate(each[:3]):
            more = (moved or {}).get(variant, 0.0)
            made.append(record(doubled(variant), seed, score + more, steps=2 * STEPS))
    return {one.key: one for one in made}


def changed(records: dict[Key, Record], variant: str, seed: int | None = None, **change) -> dict[Key, Record]:
    """The records, those of a variant (or one seed of it) made anew with some change; see :func:`record`."""
    made = dict(records)
    for key, old in records.items():
        if key.variant == variant and seed in (None, key.seed):
            steps = change.get("steps", old.training.steps)
            made[key] = record(variant, key.seed, old.values["test"]["miou"], **change | {"steps": steps})
    return made


# ---------------------------------------------------------------------------------------------------------------------
# A small project, to write records in


def notebook(path: Path, *cells: str | tuple[str, str], title: str = "") -> Path:
    """Write a notebook of code cells, each a text, or a text and its tag, below a title if there is one."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    if title:
        made.cells.append(nbformat.v4.new_markdown_cell(f"# {title}", id="title"))
    for number, cell in enumerate(cells):
        code, *tags = (cell,) if isinstance(cell, str) else cell
        made.cells.append(nbformat.v4.new_code_cell(code, id=f"c{number}", metadata={"tags": tags}))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path


def write(folder: Path, files: dict[str, str]) -> None:
    """Write text files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def move_into(folder: Path, monkeypatch) -> None:
    """Let mmlib.results take `folder` for the project, by a process that has read nothing yet."""
    for module in ("claims", "fingerprint", "night", "records", "weights"):
        monkeypatch.setattr(f"mmlib.results.{module}.ROOT", folder)
    monkeypatch.setattr("mmlib.results.claims.CLAIMS", folder / "claims")
    monkeypatch.setattr(uses, "READERS", {})
    monkeypatch.setattr(uses, "WEIGHTS", {})
    write(folder, {"claims/toy.yml": yaml.safe_dump(CLAIMS)})
