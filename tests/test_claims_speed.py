"""The speed records of the benchmarks, and their table."""

import json

import pytest

from mmlib.claims.speed import read_speed, speed_table
from mmlib.runs.fingerprint import ROOT


@pytest.fixture
def results(tmp_path):
    def form(seconds, clean):
        return {"seconds": seconds, "cpu_s": 9.0, "peak_mib": 2000.0, "others": 0.01, "repetitions": 3, "clean": clean}

    record = {
        "measured": {"whole": {"taught": form(8.0, 3), "quick": form(2.0, 0)}, "twice": {"quick": form(4.0, 2)}},
        "published": {"whole": {"seconds": 10.0, "peak_mib": 2500}, "how": "once, elsewhere"},
        "apart": 1e-6, "threads": 2, "machine": "a machine", "torch": "2.0", "made": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    (tmp_path / "speed").mkdir()
    (tmp_path / "speed" / "net.json").write_text(json.dumps(record))
    return tmp_path


def test_a_row_for_each_form_beside_the_released_code(results):
    text = str(speed_table("net", {"whole": "all of it", "twice": "two passes"}, first="what", results=results))
    assert [line.split() for line in text.splitlines()[2:]] == [
        ["all", "of", "it:", "released", "10.00", "100%", "2,500"],
        ["all", "of", "it:", "taught", "8.00", "80%", "2,000"],
        ["all", "of", "it:", "quick", "2.00", "20%", "2,000"],
        ["two", "passes:", "quick", "4.00", "–", "2,000"],
    ]


def test_a_record_is_clean_if_every_form_had_a_quiet_minute(results):
    assert read_speed("net", results=results)["clean"] is False


def test_without_a_record_the_next_command_is_said(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("mmlib.show.say", said.append)
    assert read_speed("net", results=tmp_path) is None
    assert speed_table("net", {}, first="what", results=tmp_path) is None
    assert "benchmarks/net.py --write" in said[0]


@pytest.mark.parametrize("source", sorted((ROOT / "results" / "speed").glob("*.json")), ids=lambda path: path.stem)
def test_published_records_name_their_benchmark_and_are_complete(source):
    record = read_speed(source.stem)
    assert (ROOT / "benchmarks" / source.name).with_suffix(".py").is_file()
    for forms in record["measured"].values():
        for form in forms.values():
            assert form["seconds"] > 0 and form["peak_mib"] > 0 and 0 <= form["clean"] <= form["repetitions"]
    assert 0 <= record["apart"] < 1e-2 and record["published"]["how"]
