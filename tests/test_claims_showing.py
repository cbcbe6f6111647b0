"""What a chapter shows of its claims: paper beside published beside the reader's own run, all from records."""

import json

import pytest
import yaml
from claims_toy import record, text, trained_pair

from mmlib.claims import load
from mmlib.claims.interval import Interval
from mmlib.claims.showing import cost, last_verified, results_table
from mmlib.claims.wording import number, printed


@pytest.fixture
def folders(tmp_path):
    """A claims folder, and a results folder with the toy's runs."""
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "toy.yml").write_text(yaml.safe_dump(text()))
    (tmp_path / "results" / "toy").mkdir(parents=True)
    extra = record("flow", 1, 0.5, preset="gpu", wall_s=9.0, made="2026-12-24T00:00:00+00:00", commit="fedcba98765")
    for made in [*trained_pair(), extra]:
        name = f"{made['variant']}-{made['data']}-{made['preset']}-{made['seed']}.json"
        (tmp_path / "results" / "toy" / name).write_text(json.dumps(made))
    return {"claims": tmp_path / "claims", "results": tmp_path / "results"}


def test_paper_published_and_verdict_stand_in_one_row(folders):
    shown = results_table("toy", ["flow_helps", "t1.ours.miou"], **folders).text
    assert "Flow helps." in shown and "+1.9" in shown and "n = 3 seeds" in shown and "holds" in shown
    assert "52.1" in shown and "differs" in shown and "your run" not in shown


def test_the_readers_run_is_marked_and_left_out_of_pages(folders, monkeypatch):
    monkeypatch.delenv("MMLIB_STATIC", raising=False)
    table = results_table("toy", ["flow_helps"], yours={"flow_helps": 1.25}, **folders)
    assert "your run (one seed)" in table.text and "1.250" in table.text
    monkeypatch.setenv("MMLIB_STATIC", "1")
    table = results_table("toy", ["flow_helps"], yours={"flow_helps": 1.25}, **folders)
    assert "your run" not in table.html and "1.250" not in table.html


@pytest.mark.parametrize("name", ["t1.other.miou", "nothing"])
def test_rows_that_are_not_judged_are_refused(folders, name):
    with pytest.raises(KeyError, match="expected a direction or a value of toy"):
        results_table("toy", [name], **folders)


def test_when_it_was_last_verified(folders, tmp_path):
    said = "Last verified 2026-12-24, by commit fedcba98: the latest of 9 records made since 2026-11-20. "
    said += "The ledger says which of them still stand."
    assert last_verified("toy", results=folders["results"]) == said
    assert said in results_table("toy", ["flow_helps"], **folders).html
    assert last_verified("toy", results=tmp_path) == "No run is published yet."


def test_what_a_run_costs_comes_from_records(folders):
    assert cost("toy", "gpu", results=folders["results"])["seconds"] == 9.0
    laptop = cost("toy", "laptop", results=folders["results"])
    assert laptop == {"runs": 8, "seconds": 1.0, "mib": 100.0, "device": "CPU"}
    with pytest.raises(FileNotFoundError, match="records of toy at paper"):
        cost("toy", "paper", results=folders["results"])


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [
        (12.3456, 20.0, "12"),
        (12.3456, 2.0, "12.3"),
        (12.3456, 0.2, "12.35"),
        (-0.5, 1e-6, "−0.500"),
        (1e4, 300, "10000"),
    ],
)
def test_numbers_have_the_digits_that_their_interval_supports(value, half, shown):
    assert number(value, Interval(value, value - half, value + half, 3)) == shown


def test_what_the_paper_prints_in_words():
    flow2seg, tsjnet, fusenet = load("flow2seg"), load("tsjnet"), load("fusenet_ris")
    assert printed(flow2seg.direction("flow_helps"), flow2seg) == ("+1.9", "79.7 against 77.8")
    assert printed(fusenet.direction("text_guidance_helps_across_domains"), fusenet) == ("+15.5", "52.1 against 36.6")
    assert printed(flow2seg.direction("gain_on_boundaries"), flow2seg) == ("no number", "")
    assert printed(tsjnet.cell("msrs.tsjnet.vif"), tsjnet) == ("missing", "")
    assert printed(tsjnet.cell("m3fd.divfusion.psnr"), tsjnet) == ("10.44", "perhaps 12.34")
