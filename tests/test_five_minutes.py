"""The page for sceptics: its commands run, and the checks can fail."""

import json
import re
from functools import lru_cache

import pytest
import torch
from as_program import ROOT

from mmlib.book import checks, rescore
from mmlib.results.records import Key, load_record
from mmlib.scenes import scenes

COMMANDS = checks.commands()


def test_each_command_starts_with_the_environments_python_and_has_been_timed():
    assert len(COMMANDS) == 5
    measured = json.loads(checks.MEASURED.read_text())["measured"]
    for heading, words in COMMANDS.items():
        assert words[0] == ".venv/bin/python"
        most = 400 if heading == "Another paper's printed number" else 150
        assert 0 < measured[heading]["cpu_s"] < most, "five minutes: rewrite the page, or choose a shorter run"
    html = checks.times_html()
    assert all(heading in html.replace("&#x27;", "'") for heading in COMMANDS)


@pytest.mark.parametrize("heading", ["A published run, made again", "Another paper's printed number"])
def test_the_runs_that_the_page_makes_again_are_published_and_short(heading):
    words = COMMANDS[heading]
    assert words[1:4] == ["-m", "mmlib.results", "rerun"]
    key = Key.parse(words[4])
    record = load_record(key.path(ROOT / "results"))
    assert record.wall_s < 600
    if heading == "A published run, made again":
        assert record.training.steps == 400, "the page says so"


def test_the_kill_command_names_one_test():
    words = COMMANDS["A run that is killed"]
    assert words[1:3] == ["-m", "pytest"] and words[-3] == "-k"
    tests = re.findall(r"^def (test_\w+)", (ROOT / words[-1]).read_text(), re.MULTILINE)
    assert len([name for name in tests if words[-2] in name]) == 1


def test_the_rivals_row_has_the_papers_cells_and_ours(tmp_path):
    html = checks.rival_html()
    assert "4401.71" in html and "4414.92" in html and "From the record" in html
    without = checks.rival_html(tmp_path)
    assert "4401.71" in without and "has to be made again" in without and "From the record" not in without


def test_intersection_over_union_by_hand():
    labels = torch.tensor([[[0, 0, 1, 2]]])
    found = torch.tensor([[[0, 1, 1, 3]]])
    assert rescore.mean_iou(labels, found) == pytest.approx((1 / 2 + 1 / 2 + 0 + 0) / 4)


@pytest.mark.slow
def test_published_weights_are_scored_anew_and_others_fail(monkeypatch, capsys):
    monkeypatch.setattr(rescore, "TIMES", ("night",))
    monkeypatch.setattr(rescore, "scenes", lru_cache(scenes))  # drawn once
    assert rescore.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[-1].endswith("are rounding")
    whole = rescore.load_network

    def worse(name, record):
        net = whole(name, record)
        with torch.no_grad():
            net.head.bias[0] += 2.0  # a network that says "road" too often
        return net

    monkeypatch.setattr(rescore, "load_network", worse)
    monkeypatch.setattr(rescore, "NETWORKS", {"rgb": rescore.NETWORKS["rgb"]})  # one is enough
    assert rescore.main() == 1


def test_weights_that_the_record_does_not_name_are_refused():
    record = load_record(Key("training", "rgb", "ministreet", "night", 0).path(ROOT / "results"))
    other = record.model_copy(update={"values": record.values | {"weights": {"training/rgb": "0" * 64}}})
    with pytest.raises(ValueError, match="expected the weights 000000000000 of the record, got"):
        rescore.load_network("rgb", other)
