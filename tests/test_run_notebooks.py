"""The notebooks that are runs and no pages: each from top to bottom at smoke, on real data, to its record."""

import json
import math
import os

import pytest
from forks import ended, fork

from mmlib.book.script import run_as_script
from mmlib.files import ROOT

RUNS = [
    ("06c_davis", "davis", "flow2seg"),
    ("06c_davis", "davis", "pspnet"),
    ("06c_davis", "davis", "flow_shuffled"),
    ("08c_rivals", "tno", "laplacian_pyramid"),
    ("08d_boxes", "msrs", "visible"),
    ("08d_boxes", "msrs", "stacked"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("notebook", "data", "variant"), RUNS)
def test_ends_in_a_record(shared_data, tmp_path, notebook, data, variant):
    given = {"preset": "smoke", "data": data, "variant": variant, "out": str(tmp_path)}

    def work():
        os.chdir(ROOT)
        run_as_script(ROOT / "nbs" / f"{notebook}.ipynb", given)

    assert ended(fork(work, MMLIB_DATA=str(shared_data), OMP_NUM_THREADS="1")) == 0
    (path,) = tmp_path.glob("*/*.json")
    record = json.loads(path.read_text())
    assert (record["variant"], record["preset"]) == (variant, "smoke")
    scores = [value for value in record["values"]["test"].values() if isinstance(value, float)]
    assert scores and all(math.isfinite(score) for score in scores)
    if notebook == "08c_rivals":  # without these two, no value of the paper's table is ever judged
        assert (
            record["values"]["test"]["split"] == "the whole of 2" and record["values"]["test"]["convention"] == "tsjnet"
        )
