"""VIFB's leaderboard with a row of ours."""

import json

import pytest

from mmlib.claims.leaderboard import OURS, leaderboard, leaderboard_table, mean_rank
from mmlib.runs.fingerprint import ROOT

SCORES = json.loads((ROOT / "results/measuring/default-vifb-original-laptop-0.json").read_text())["values"]["scores"]
THIRTEEN = SCORES["vifb"]


def test_ranks_by_hand():
    rows = {"a": {"ssim": 0.9, "qcv": 900.0}, "b": {"ssim": 0.5, "qcv": 100.0}, "c": {"ssim": 0.7, "qcv": 800.0}}
    assert mean_rank(rows) == {"a": 2.0, "b": 2.0, "c": 2.0}
    rows["c"]["qcv"] = 50.0  # lower is better for it
    assert list(mean_rank(rows)) == ["c", "a", "b"] and mean_rank(rows)["c"] == 1.5


def test_the_published_methods_keep_their_means_and_ours_joins_them():
    method = next(iter(THIRTEEN["ssim"]))
    ours = {k: sum(v[method]) / len(v[method]) for k, v in THIRTEEN.items()}
    rows = leaderboard(ours)
    assert len(THIRTEEN) == 13 and len(rows) == 15 and rows[OURS] == pytest.approx(rows[method])
    text = str(leaderboard_table(rows, "segmif"))
    assert OURS in text and method in text and f"{ours['ssim']:.2f}" in text


def test_a_missing_measure_is_an_error_and_a_missing_run_is_none(tmp_path):
    assert leaderboard(None) is None and leaderboard({}, results=tmp_path) is None
    with pytest.raises(KeyError):
        leaderboard({"ssim": 1.0})
