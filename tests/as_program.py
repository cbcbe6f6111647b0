"""Chapters as plain programs, by the commands that their pages give, on what lies in a test's own folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_chapter(folder, number, data, processes=1, **given):
    """A chapter at smoke on the data in `folder`: (exit status, errors, record or None). Given are its parameters."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    given = {"data": data, "pretrained": "False", "out": str(folder / "out")} | given
    words = [number, "--preset", "smoke", *(word for item in given.items() for word in ("-p", *item))]
    start = [sys.executable, *(torchrun if processes > 1 else []), "-m", "mmlib.book.script", *words]
    environment = os.environ | {"MMLIB_DATA": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(start, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    records = [json.loads(path.read_text()) for path in (folder / "out").glob("*/*.json")]
    return done.returncode, done.stderr, *(records or [None])


def record_of(folder, number, data, processes=1, **given):
    """The record of a run that must succeed."""
    status, errors, record = run_chapter(folder, number, data, processes, **given)
    assert status == 0, errors[-2000:]
    return record
