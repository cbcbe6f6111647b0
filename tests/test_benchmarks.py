"""What the benchmarks share: fresh processes, medians of the quiet repetitions, and a record."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.slow
def test_a_benchmark_measures_each_form_in_fresh_processes_and_writes_its_record(tmp_path):
    (tmp_path / "naps.py").write_text(SCRIPT)
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
