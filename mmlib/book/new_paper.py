"""Start a chapter on another paper: a notebook that trains, records and can be judged from its first minute.

    python -m mmlib.book.new_paper 12 senseformer "SenseFormer"

What comes out is small and complete: one exported module, three variants, one headline claim with its control. Replace
the parts one by one; after each step ``make reproduce CHAPTER=12 PRESET=smoke`` still runs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

from mmlib.book.colab import cell as colab_cell
from mmlib.files import replace_file
from mmlib.files import ROOT

KEY = re.compile(r"[a-z][a-z0-9_]*")
PARAMETERS = 'preset = "laptop"\ndata = "ministreet"\nseed = 0\nvariant = "default"\npretrained = True\nout = ""'

OPENING = """\
# {title}: which question makes this paper pressing?

A picture and a question come first. Say why before how, in short sentences."""

IMPORTS = """\
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib.metrics.segmentation import confusion, miou
from mmlib.runs import check_preset, write_record
from mmlib.runs.training import training_block
from mmlib.runs.variants import split_variant
from mmlib.scenes import CLASSES, fingerprint, scenes, split_seeds
from mmlib.train import Batches, poly, seed_everything, train

started = time.perf_counter()
SIZES = {{"smoke": (8, 16, (48, 64)), "laptop": (256, 300, (96, 128))}}
drawn, steps, size = SIZES.get(check_preset(preset), SIZES["laptop"])"""

PARTS = """\
## What is the first part for?

One cell for each part, run on a real tensor right after. Cells tagged `export` go to `mmlib/models/{key}.py`."""

MODEL = '''\
class {name}(nn.Module):
    """Pictures (B, channels, H, W) -> logits (B, classes, H, W)."""

    def __init__(self, channels: int, classes: int, width: int = 16):
        super().__init__()
        self.look = nn.Conv2d(channels, width, 3, padding=1)
        self.name = nn.Conv2d(width, classes, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """The score of every class at every pixel."""
        return self.name(F.relu(self.look(image)))'''

VARIANTS = """\
VARIANTS = {{  # name: what differs, and which claim it serves
    "{key}": "both senses; headline",
    "without_ir": "colour alone; headline",
    "ir_shuffled": "negative control: infrared of another scene",
}}
variant = "{key}" if variant == "default" else variant
name, times = split_variant(variant)
if name not in VARIANTS:
    raise ValueError(f"expected one of {{', '.join(VARIANTS)}}, got {{variant!r}}")


def senses(batch: dict) -> Tensor:
    \"\"\"What this variant sees: (B, 3 or 4, H, W).\"\"\"
    ir = batch["ir"].roll(1, dims=0) if name == "ir_shuffled" else batch["ir"]
    seen = [batch["rgb"]] if name == "without_ir" else [batch["rgb"], ir]
    return torch.cat(seen, dim=1)"""

TRAINING = """\
## Does it learn?"""

TRAIN = """\
seed_everything(seed)
steps, drawn = (steps * times, drawn) if out else (min(steps, 16), min(drawn, 8))
seeds = split_seeds("train", drawn, start=seed * drawn)
streets = scenes(seeds, size=size, fields=("rgb", "ir", "labels"))
net = {name}(3 if name == "without_ir" else 4, len(CLASSES))


def step(batch: dict) -> dict[str, Tensor]:
    \"\"\"The terms of the loss.\"\"\"
    logits = net(senses(batch))
    return {{"cross-entropy": F.cross_entropy(logits, batch["labels"], ignore_index=255)}}


batches = Batches(streets, 8, seed)
log = train(step, net, batches, steps=steps, seed=seed, schedule=poly())"""

SCORE = """\
@torch.no_grad()
def score() -> dict:
    \"\"\"Scores on scenes of the test split.\"\"\"
    test = scenes(split_seeds("test", drawn), size=size, fields=("rgb", "ir", "labels"))
    test = {{key: value.to(next(net.parameters()).device) for key, value in test.items()}}
    guessed = net.eval()(senses(test)).argmax(dim=1)
    return {{"miou": miou(confusion(test["labels"], guessed, len(CLASSES)))}}"""

RECORD = """\
if out:
    how = {{"data_order": "seeded shuffle", "augmentation": "none", "tuning": "none"}}
    values = {{"test": score(), "training": training_block(log.loss, **how)}}
    write_record(
        out, notebook="nbs/{stem}.ipynb", chapter="{key}", data=data, preset=preset, seed=seed,
        variant=variant, data_fingerprint=fingerprint(), values=values,
        wall_s=time.perf_counter() - started,
    )  # fmt: skip"""

RESULTS = """\
from mmlib.claims.showing import results_table

results_table("{key}", ["second_sense_helps"], caption="Does the second sense help?")"""

CLAIMS = """\
# What {title} prints, cell by cell, and what this book asks of its own runs.
key: {key}
title: {title}
chapter: {stem}
source: where the paper's numbers were read

# One table of the paper. kind: context (others' methods) or value (the paper's own); grade: S legible in the paper,
# L recollected, and so on (mmlib/claims/schema.py). Values stand in quotes, as printed.
# tables:
#   - {{id: main, title: "Table 1", kind: context, grade: S, metric: miou, convention: "...", data: ..., split: ...,
#      columns: [mIoU], rows: [{{row: Other, cells: ["70.1"]}}, {{row: Ours, kind: value, cells: ["72.0"]}}]}}

directions:
  - id: second_sense_helps
    headline: true
    statement: The second sense raises the mean IoU.
    a: {key}
    b: without_ir
    controls: [ir_shuffled]
    metric: test.miou
    data: ministreet
    preset: laptop
    seeds: 10
    scale: 100
    unit: points of mIoU
    grade: D
"""


def chapter(stem: str, key: str, title: str) -> nbformat.NotebookNode:
    """The new chapter's notebook."""
    fill = {"stem": stem, "key": key, "title": title, "name": "".join(part.title() for part in key.split("_"))}

    def words(text: str, name: str) -> nbformat.NotebookNode:
        return nbformat.v4.new_markdown_cell(text.format(**fill), id=name)

    def code(text: str, name: str, *tags: str) -> nbformat.NotebookNode:
        return nbformat.v4.new_code_cell(text.format(**fill), id=name, metadata={"tags": list(tags)} if tags else {})

    colab = nbformat.v4.new_code_cell(colab_cell(), id="colab", metadata={"tags": ["remove-cell", "colab"]})
    cells = [
        words(OPENING, "opening"),
        colab,
        code(PARAMETERS, "parameters", "parameters", "hide-input"),
        code(IMPORTS, "imports", "hide-input"),
        words(PARTS, "parts"),
        code(
            "import torch.nn.functional as F\nfrom torch import Tensor, nn", "exported-imports", "export", "hide-input"
        ),
        code(MODEL, "model", "export"),
        code(VARIANTS, "variants"),
        words(TRAINING, "training"),
        code(TRAIN, "train"),
        code(SCORE, "score"),
        code(RECORD, "record", "hide-input"),
        code(RESULTS, "results", "look", "hide-input"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def start(number: int, key: str, title: str, root: Path = ROOT) -> list[Path]:
    """Write ``nbs/NN_KEY.ipynb`` and ``claims/KEY.yml``; nothing that is there is overwritten.

    Raises:
        ValueError: the key is no lower-case word, the number is none of a chapter, or a file is there already.
    """
    if not KEY.fullmatch(key) or not 1 <= number <= 99:
        raise ValueError(f"expected a number from 1 to 99 and a key such as senseformer, got {number} and {key!r}")
    stem = f"{number:02d}_{key}"
    paths = [root / "nbs" / f"{stem}.ipynb", root / "claims" / f"{key}.yml"]
    taken = [*(path for path in paths if path.exists()), *(root / "nbs").glob(f"{number:02d}_*.ipynb")]
    if taken:
        raise ValueError(f"expected a number and a key that are free, got {taken[0].name}; next: choose others")
    replace_file(paths[0], nbformat.writes(chapter(stem, key, title)).encode() + b"\n")
    replace_file(paths[1], CLAIMS.format(stem=stem, key=key, title=title).encode())
    return paths


def main(arguments: Sequence[str]) -> int:
    """Start a chapter and say what comes next; return the exit status."""
    if len(arguments) != 3 or not arguments[0].isdigit():
        print('usage: python -m mmlib.book.new_paper NUMBER KEY "TITLE"', file=sys.stderr)
        return 2
    try:
        paths = start(int(arguments[0]), arguments[1], arguments[2])
    except ValueError as error:
        print(f"new_paper: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"written: {path.relative_to(ROOT)}" for path in paths))
    print(f"next: make export; add nbs/{paths[0].stem} to _toc.yml; make reproduce CHAPTER={arguments[0]} PRESET=smoke")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
