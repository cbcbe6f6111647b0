"""Chapter 8 on the full sets in their own layouts: what learns there, by which classes, and in two processes."""

import numpy as np
import pytest
from as_program import record_of
from paper_trees import llvip, m3fd, msrs_full, scenario
from PIL import Image


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "made, data, tested, guides, things, torchrun",
    [
        (msrs_full, "msrs_full", "test 2", ["detector", "segmenter"], {"person", "car"}, False),
        (scenes_of_m3fd, "m3fd", "val 2", ["detector"], {"people", "lamp"}, True),
        (llvip_of_8, "llvip", "test 1", ["detector"], {"person"}, False),
    ],
)
def test_a_full_set_is_learned_from_and_tested_by_its_own_boxes(tmp_path, made, data, tested, guides, things, torchrun):
    """One of them by the command of the page, in two processes of which one writes."""
    made(tmp_path)
    fill(tmp_path)
    record = record_of(tmp_path, "08", data, processes=2 if torchrun else 1, torchrun=torchrun)
    values = record["values"]
    assert record["data"].startswith(f"{data}-") and values["test"]["split"] == tested
    terms = values["learning"]["tuning"].keys()
    assert {kind for kind in ("detector", "segmenter") if any(kind in term for term in terms)} == set(guides)
    assert things <= values["test"]["ap50"].keys()
    assert record["training"]["steps"] == 16 and len(list((tmp_path / "out/tsjnet").glob("*"))) == 1
