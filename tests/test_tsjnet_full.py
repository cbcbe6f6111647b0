"""Chapter 8 on the full sets in their own layouts: what learns there, by which classes, and in two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from paper_trees import llvip, m3fd, msrs_full, scenario
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]


def scenes_of_m3fd(tree):
    """M3FD with two recordings, one to learn from and one to test on."""
    scenario(m3fd(tree, count=10), ("one", "train", 0, 7), ("two", "val", 8, 9))


def llvip_of_8(tree):
    """LLVIP with as many pictures as a batch holds."""
    llvip(tree, train=8)


def fill(tree):
    """Noise in the place of the made-up trees' flat pictures, which correlate with nothing."""
    dice = np.random.default_rng(0)
    for path in sorted(tree.rglob("*")):
        if path.suffix in (".png", ".jpg") and "labels" not in path.parent.name:
            shape = np.asarray(Image.open(path)).shape
            Image.fromarray(dice.integers(0, 256, shape, dtype=np.uint8)).save(path)


def run_chapter(folder, data, processes=1, **given):
    """The chapter at smoke on what lies in `folder`, by the command that the page gives; (exit status, errors)."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    given = {"data": data, "pretrained": "False", "out": str(folder / "out")} | given
    words = ["08", "--preset", "smoke", *(word for item in given.items() for word in ("-p", *item))]
    fill(folder)
    start = [sys.executable, *(torchrun if processes > 1 else []), "-m", "mmlib.book.script", *words]
    environment = os.environ | {"MMLIB_DATA": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(start, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stderr


def record_in(folder):
    (path,) = (folder / "out/tsjnet").glob("*.json")
    return json.loads(path.read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    "made, data, tested, guides, things",
    [
        (msrs_full, "msrs_full", "test 2", ["detector", "segmenter"], {"person", "car"}),
        (scenes_of_m3fd, "m3fd", "val 2", ["detector"], {"people", "lamp"}),
        (llvip_of_8, "llvip", "test 1", ["detector"], {"person"}),
    ],
)
def test_a_full_set_is_learned_from_and_tested_by_its_own_boxes(tmp_path, made, data, tested, guides, things):
    made(tmp_path)
    status, errors = run_chapter(tmp_path, data)
    assert status == 0, errors[-2000:]
    record = record_in(tmp_path)
    values = record["values"]
    assert record["data"].startswith(f"{data}-") and values["test"]["split"] == tested == values["detection"]["split"]
    assert sorted(values["guides"]) == guides
    scored = {name.removeprefix("ap50.").removeprefix("ap50_") for name in flat(values["detection"])}
    assert things <= scored, scored


def flat(values, before=""):
    """The names of all numbers in nested dictionaries."""
    for name, value in values.items():
        yield from flat(value) if isinstance(value, dict) else [name]


@pytest.mark.slow
def test_two_processes_train_on_m3fd_and_one_writes(tmp_path):
    scenes_of_m3fd(tmp_path)
    status, errors = run_chapter(tmp_path, "m3fd", processes=2)
    assert status == 0, errors[-2000:]
    assert record_in(tmp_path)["values"]["training"]["steps"] == 16


@pytest.mark.slow
def test_a_variant_that_needs_labels_is_refused_where_there_are_none(tmp_path):
    scenes_of_m3fd(tmp_path)
    status, errors = run_chapter(tmp_path, "m3fd", variant="without_detection_loss")
    assert status != 0 and "has no labels" in errors
