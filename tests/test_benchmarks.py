"""Benchmarks: fresh processes, medians of quiet repetitions, arms in turns, a table, a record, and a verdict."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
SCRIPT = """
import time
import fresh


def job(seconds):
    return lambda: None, lambda: time.sleep(seconds)


fresh.KEPT = fresh.Path(__file__).parent
jobs = {("nap", "long"): lambda: job(0.4), ("nap", "short"): lambda: job(0.1)}
if __name__ == "__main__":
    fresh.main(__file__, jobs, lambda: 0.25, {"how": "never"})
"""
# What `fresh` itself asks of PyTorch. Its import takes seconds in each of six processes, and nothing here computes.
TORCH = """
from types import SimpleNamespace

__version__ = "none"
backends = SimpleNamespace(cpu=SimpleNamespace(get_cpu_capability=lambda: "none"))


def set_num_threads(count):
    assert count == 2
"""


def test_a_benchmark_measures_each_form_in_fresh_processes_and_writes_its_record(tmp_path):
    (tmp_path / "naps.py").write_text(SCRIPT)
    (tmp_path / "torch.py").write_text(TORCH)
    environment = os.environ | {"PYTHONPATH": str(BENCHMARKS)}
    command = [sys.executable, "naps.py", "--repeats", "2", "--write"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    record = json.loads((tmp_path / "naps.json").read_text())
    long, short = (record["measured"]["nap"][form] for form in ("long", "short"))
    assert 0.4 <= long["seconds"] < 1 and 0.1 <= short["seconds"] < 0.4 and long["repetitions"] == 2
    assert (record["apart"], record["published"], record["threads"]) == (0.25, {"how": "never"}, 2)


def test_medians_are_of_quiet_repetitions_and_an_unknown_machine_is_not_quiet(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import fresh

    rows = [{"seconds": 9.0, "others": 0.5}, {"seconds": 1.0, "others": 0.0}, {"seconds": 3.0, "others": 0.01}]
    assert fresh.middle(rows) == {"seconds": 2.0, "others": 0.005, "repetitions": 3, "clean": 2}
    assert fresh.middle(rows[:1])["clean"] == 0 and fresh.middle(rows[:1])["seconds"] == 9.0
    monkeypatch.setattr(fresh, "busy", lambda: float("nan"))
    assert fresh.once(lambda: (lambda: None, lambda: None))["others"] == 1.0


@pytest.fixture
def loop(monkeypatch, tmp_path):
    """benchmarks/training_loop.py with sizes that take no time, writing elsewhere."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import training_loop

    for name, value in {"WIDTHS": (4, 8), "BATCH": 1, "HEIGHT": 16, "WIDTH": 16}.items():
        monkeypatch.setattr(training_loop, name, value)
    monkeypatch.setattr(training_loop, "KEPT", tmp_path / "training.json")
    threads = torch.get_num_threads()
    yield training_loop
    torch.set_num_threads(threads)


def test_the_training_benchmark_prints_one_table_and_writes_its_record(loop, capsys):
    loop.main(["--rounds", "2", "--steps", "2", "--write"])
    lines = capsys.readouterr().out.splitlines()
    record = json.loads(loop.KEPT.read_text())
    assert lines[0].split() == ["what", "arm", "ms", "ratio"] and len(lines) >= 8
    assert [*record["measured"]] == ["stack of width 4, a pass", "stack of width 8, a pass", "U-Net, a training step"]
    assert [*record["measured"]["stack of width 4, a pass"]["milliseconds"]][0] == "float32, contiguous"
    assert record["measured"]["U-Net, a training step"]["milliseconds"].keys() == {"by hand", "mmlib.train"}
    assert record["machine"]["threads"] == 1 and record["rounds"] == 2 and record["machine"]["cpu"]


def test_the_training_benchmark_is_measured_in_turns_and_the_first_round_warms_up(loop):
    calls = []
    arms = {name: (lambda name=name: calls.append(name)) for name in "ab"}
    seconds = loop.take_turns(arms, 3, torch.device("cpu"))
    assert "".join(calls) == "baabbaab" and all(len(found) == 3 for found in seconds.values())
    assert loop.ratio([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]) == 2.0


@pytest.mark.parametrize(
    ("times", "overhead", "amx", "wrong"),
    [(3.0, 0.02, True, 0), (2.4, 0.02, True, 1), (2.4, 0.02, False, 0), (3.0, 0.06, False, 1), (1.0, 0.2, True, 2)],
)
def test_the_training_benchmark_complains_where_training_is_too_slow(loop, times, overhead, amx, wrong):
    found = {
        loop.named(4): {"milliseconds": {"a": 1.0}, "times_as_fast": times},
        loop.named(8): {"milliseconds": {"a": 1.0}, "times_as_fast": 1.0},
        "loop": {"milliseconds": {"a": 1.0}, "overhead": overhead},
    }
    assert len(loop.complaints(found, amx)) == wrong
    compiled = {"milliseconds": {"eager": 2.0, "compiled": 1.0}, "compile_s": 9.5, "times_as_fast": 2.0}
    text = loop.table(found | {"compiled": compiled | {"times_as_fast_with_compile_time": 0.5}})
    assert "with 9.5 s to compile" in text and "0.50 x" in text and f"{1 + overhead:.3f}" in text
