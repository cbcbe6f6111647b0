"""The band of a claim's own history: when it exists, how wide it is, and what falls outside."""

import json

import pytest

from mmlib.runs.history import add_night, band, check_night, drift, entries, history_file, read_history


def entry(mean: float, word: str = "holds", error: float = 0.1, **more) -> dict:
    """One claim on one night."""
    return {"word": word, "mean": mean, "low": mean - 1, "high": mean + 1, "error": error, "n": 10} | more


def night(**claims) -> dict:
    """One line of history."""
    return {"made": "2026-11-20T00:00:00+00:00", "commit": "c", "device": "CPU", "claims": claims}


def test_nights_are_appended_and_read_back(tmp_path):
    assert read_history("toy", tmp_path) == []
    nights = [night(a=entry(1.0)), night(a=entry(2.0), b=entry(3.0)), night()]
    for one in nights:
        add_night("toy", one, tmp_path)
    assert read_history("toy", tmp_path) == nights
    assert [e["mean"] for e in entries(nights, "a")] == [1.0, 2.0] and entries(nights, "c") == []
    assert not list(history_file("toy", tmp_path).parent.glob("*.part"))


@pytest.mark.parametrize(
    "bad",
    [
        {},
        [],
        night(a={}),
        night(a=entry(float("nan"))),
        night(a=entry(1.0) | {"mean": "1"}),
        night(a=entry(True)),
        night(a=entry(1.0) | {"word": None}),
        {"made": 1, "commit": "c", "device": "d", "claims": {}},
    ],
)
def test_what_is_no_night_is_neither_written_nor_read(tmp_path, bad):
    add_night("toy", night(a=entry(1.0)), tmp_path)
    before = history_file("toy", tmp_path).read_bytes()
    with pytest.raises((ValueError, TypeError)):
        add_night("toy", bad, tmp_path)
    assert history_file("toy", tmp_path).read_bytes() == before
    history_file("toy", tmp_path).write_bytes(before + json.dumps(bad).encode() + b"\n")
    with pytest.raises(ValueError, match="toy.jsonl:2"):
        read_history("toy", tmp_path)


def test_a_torn_line_is_named(tmp_path):
    add_night("toy", night(a=entry(1.0)), tmp_path)
    path = history_file("toy", tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="toy.jsonl:1"):
        read_history("toy", tmp_path)


def test_five_entries_make_a_band():
    assert band([entry(1.0)] * 4) is None
    assert band([entry(1.0)] * 5).n == 5
    assert drift([entry(1.0)] * 4, entry(99.0)) is None
    assert drift([entry(1.0)] * 5, entry(99.0))


def test_the_band_worked_by_hand():
    # Means 1, 2, 3, 4, 10: median 3, deviations 2, 1, 0, 1, 7, their median 1; 3 x 1.4826 = 4.4478.
    limits = band([entry(m) for m in (1, 2, 3, 4, 10)])
    assert limits.low == pytest.approx(3 - 4.4478) and limits.high == pytest.approx(3 + 4.4478)


def test_one_bad_night_does_not_widen_the_band():
    steady = [1.0, 1.1, 0.9, 1.0, 1.05, 0.95]
    assert band([entry(m) for m in [*steady, 50.0]]).high < 2


@pytest.mark.parametrize(("mean", "out"), [(1.09, False), (1.11, True), (0.91, False), (0.89, True)])
def test_a_change_within_one_standard_error_is_no_drift(mean, out):
    """Five equal nights have no spread at all; the error over seeds (0.1) is the least width."""
    reason = drift([entry(1.0)] * 5, entry(mean))
    assert bool(reason) is out
    if out:
        assert "0.9 to 1.1" in reason and f"{mean:.4g}" in reason


def test_a_verdict_that_no_night_had_is_drift():
    past = [entry(1.0)] * 4 + [entry(1.0, "undecided")]
    assert drift(past, entry(1.0, "undecided")) is None
    assert "'contradicted'" in drift(past, entry(1.0, "contradicted"))


def test_only_the_latest_thirty_count():
    past = [entry(100.0)] * 40 + [entry(1.0)] * 30
    assert drift(past, entry(1.0)) is None and drift(past, entry(100.0))


def test_an_accepted_entry_starts_a_new_band():
    nights = [night(a=entry(1.0))] * 6 + [night(a=entry(5.0, accepted=True))] + [night(a=entry(5.0))] * 4
    past = entries(nights, "a")
    assert [e["mean"] for e in past] == [5.0] * 5
    assert drift(past, entry(5.0)) is None and drift(past, entry(1.0))


def test_a_night_is_returned_as_it_is():
    good = night(a=entry(1.0))
    assert check_night(good) is good
