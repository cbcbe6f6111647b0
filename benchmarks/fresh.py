"""Time and memory of pieces of work, every repetition in a process of its own.

A benchmark gives its jobs by name to `main`. Each is repeated in fresh processes, in turns, after a small warm-up.
Medians are taken over the repetitions during which the rest of the machine did next to nothing; if there was none,
over all, and the record says so. `--write` keeps the result in results/speed.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch

from mmlib.files import replace_file

KEPT = Path(__file__).resolve().parents[1] / "results" / "speed"
OTHERS = 0.08  # of the machine, that the rest of it may use in a clean repetition
Job = Callable[[], tuple[Callable, Callable]]  # sets up; gives a warm-up and the work, neither with arguments


def busy() -> float:
    """Seconds that all processors of this machine have worked since it started; NaN where nobody says."""
    try:
        numbers = [int(x) for x in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    except OSError:
        return float("nan")
    return (sum(numbers[:3]) + sum(numbers[5:8])) / 100


def once(job: Job) -> dict:
    """One repetition, to be run in a process of its own."""
    warm_up, work = job()
    warm_up()
    wall, own, everybody = time.perf_counter(), time.process_time(), busy()
    work()
    wall, own, everybody = time.perf_counter() - wall, time.process_time() - own, busy() - everybody
    others = max(0.0, everybody - own) / wall / os.cpu_count() if everybody >= 0 else 1.0  # unknown is not quiet
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {"seconds": wall, "cpu_s": own, "peak_mib": peak, "others": others}


def child(script: str, *words: str, threads: int) -> dict:
    """What one repetition in a fresh process reports."""
    command = [sys.executable, script, "--threads", str(threads), "--one", *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def middle(found: list[dict]) -> dict:
    """Medians of repetitions, of the clean ones if there are any."""
    clean = [x for x in found if x["others"] < OTHERS]
    medians = {key: round(statistics.median(x[key] for x in clean or found), 3) for key in found[0]}
    return medians | {"repetitions": len(found), "clean": len(clean)}


def machine() -> str:
    """The processor in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def main(script: str, jobs: Mapping[tuple[str, str], Job], apart: Callable[[], float], published: dict) -> None:
    """Measure, print, and write if told to.

    Args:
        script: the benchmark's own file; the record is named after it.
        jobs: by (what, form): what is done, and in which form of the code.
        apart: how far the results of two forms lie apart at most, as a share of what the benchmark says.
        published: what is known of the published code, by the same `what`, and `how` it was measured.
    """
    kept = KEPT / f"{Path(script).stem}.json"
    parser = argparse.ArgumentParser(description=f"The benchmark {Path(script).name}.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help=f"keep the result in {kept.parent.name}/{kept.name}")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        torch.set_num_threads(chosen.threads)
        print(json.dumps({"apart": apart()} if chosen.one == ["apart"] else once(jobs[tuple(chosen.one)])))
        return
    found = {}
    for number in range(chosen.repeats):  # in turns, so that a slow minute slows all of them
        for what, form in jobs:
            row = child(script, what, form, threads=chosen.threads)
            found.setdefault(what, {}).setdefault(form, []).append(row)
            print(f"{number + 1}/{chosen.repeats} {what}, {form}: {row['seconds']:.2f} s", file=sys.stderr, flush=True)
    measured = {what: {form: middle(rows) for form, rows in forms.items()} for what, forms in found.items()}
    record = {"measured": measured, **child(script, "apart", threads=chosen.threads), "published": published}
    record |= {"threads": chosen.threads, "machine": machine(), "torch": torch.__version__}
    text = json.dumps(record | {"made": datetime.now(UTC).isoformat(timespec="seconds")}, indent=1)
    print(text)
    if chosen.write:
        replace_file(kept, (text + "\n").encode())
