"""How long do the commands of the page "What you can check in five minutes" take?

    python benchmarks/five_minutes.py [--only "A metric"] [--write]

Runs the commands as they stand in book/five_minutes.md, with the Python that runs this file, one after the other. With
--write, results/speed/five_minutes.json has their times, from where the page takes them. A command that was not run or
failed keeps what was measured before.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime

from mmlib.book.checks import MEASURED, commands
from mmlib.files import ROOT, replace_file
from mmlib.results.records import machine


def timed(words: list[str]) -> dict | None:
    """Seconds of processor and clock that a command of the page takes; None, and what it said last, if it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *words[1:]], cwd=ROOT, env=environment, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    print("\n".join((done.stdout + done.stderr).splitlines()[-3:]), flush=True)
    if done.returncode:
        return None
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": round(spent, 1), "wall_s": round(wall, 1)}


def main() -> None:
    """Run, print, and write if told to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=commands(), help="one heading of the page")
    parser.add_argument("--write", action="store_true", help=f"keep the times in {MEASURED.relative_to(ROOT)}")
    chosen = parser.parse_args()
    known = json.loads(MEASURED.read_text(encoding="utf-8"))["measured"] if MEASURED.exists() else {}
    busy = []
    for heading, words in commands().items():
        if chosen.only in (None, heading):
            print(f"{heading}: {' '.join(words)}", flush=True)
            known[heading] = timed(words) or known.get(heading, {})
            busy.append(os.getloadavg()[0])
            print(known[heading], flush=True)
    facts = {"cpu": machine("fp32").cpu, "cores": os.cpu_count(), "load": round(sum(busy) / len(busy), 1)}
    facts["made"] = datetime.now(UTC).isoformat(timespec="seconds")
    if chosen.write:
        replace_file(MEASURED, (json.dumps({"measured": known, **facts}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
