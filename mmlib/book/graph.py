"""What the Snakefile asks: a notebook's inputs, the state outside its files, the night's runs; and what starts it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

from mmlib.files import ROOT, locked, sweep
from mmlib.notebooks import NBS, chapters, own_caches
from mmlib.results.fingerprint import code_files, notebook_code


def inputs(name: str) -> list[str]:
    """Every file notebook ``name`` is made from: itself, the mmlib files it runs, the claims it names, the pins."""
    notebook = NBS / f"{name}.ipynb"
    text = notebook_code(notebook)
    files = [notebook, *code_files(notebook), ROOT / "constraints.txt"]
    if "mmlib.data" in text:  # readers of real sets are imported by name, where no import statement shows them
        files += [path for path in (ROOT / "mmlib" / "data").glob("*.py") if path not in files]
    files += [path for path in sorted((ROOT / "claims").glob("*.yml")) if path.stem in text]
    return [str(path.relative_to(ROOT)) for path in files]


def outside_state(name: str) -> str:
    """A hash of what a notebook shows beside its code: published records and weights, and the real data it can see.

    They are named by their content and never by their time: a checkout gives every file a new one.
    """
    digest = hashlib.sha256()
    text = notebook_code(NBS / f"{name}.ipynb")
    results = ROOT / "results"
    for path in sorted([*results.rglob("*.json"), *results.rglob("*.sha256")]):
        if path.parent.name in text:  # results/PAPER/..., and the notebook names PAPER
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    digest.update(json.dumps(real_data_state()).encode())
    return digest.hexdigest()


def real_data_state() -> list[list[str]]:
    """Which real data a chapter would find: folder, and hash of its manifest; and whether its images may be shown."""
    root = Path(os.environ.get("MMLIB_DATA") or ROOT / "data")
    manifests = sorted(root.glob("*/MANIFEST.sha256")) if root.is_dir() else []
    state = [[path.parent.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in manifests]
    return [["PUBLISH_REAL_IMAGES", os.environ.get("PUBLISH_REAL_IMAGES", "0")], *state]


def page_files() -> list[str]:
    """The files the pages are made from, beside the executed chapters."""
    found = [path for path in (ROOT / "book").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    own = [path for path in (ROOT / "mmlib" / "book").iterdir() if path.suffix in (".py", ".j2")]
    own += [ROOT / "_config.yml", ROOT / "_toc.yml"]
    return [str(path.relative_to(ROOT)) for path in sorted([*found, *own])]


def ledger_state() -> str:
    """A hash of what the ledger is drawn from: claims, records and weights, and the code that judges and shows them.

    Whether a record is current depends on chapters, too; where those change, the pages are built anew in any case.
    """
    digest = hashlib.sha256()
    patterns = ("claims/*.yml", "results/**/*.json", "results/weights/**/*.sha256", "mmlib/data/*.py")
    patterns += ("mmlib/results/*.py", "mmlib/show/*.py", "mmlib/book/ledger.*")
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


@lru_cache
def planned(build: str, preset: str) -> list[str]:
    """The marks of the runs that a night still has to make; for a cluster, where each run is a job of its own.

    The records say what is done. Marks of an earlier night say nothing, and are removed.
    """
    from mmlib.results.night import chosen, make_plan

    done = ROOT / build / "night" / "done"
    shutil.rmtree(done, ignore_errors=True)
    return [f"{build}/night/done/{name}" for name in make_plan(chosen(), preset=preset).runs]


def names() -> list[str]:
    """The chapters' names, in order."""
    return [path.stem for path in chapters()]


def make(build: str, extra: list[str], night: str = "") -> int:
    """Run the Snakefile's graph into ``build``; ``extra`` goes to Snakemake (executor, jobs).

    night: instead of the pages, make the runs that the claims ask for at this preset.

    Our own lock, held by the kernel for as long as this process or its Snakemake lives, replaces Snakemake's, which
    outlives a kill. A night has one of its own, so that pages can be built meanwhile.
    """
    what = "night" if night else "build"
    with locked(ROOT / build / f".{what}.lock", f"another {what} of {build} is running; waiting for it") as lock:
        own_caches(ROOT / build / "cache")
        sweep(ROOT / "results")
        return _snakemake(build, extra, night, lock)


LONGEST = ("08_tsjnet", "07_segmif", "04_motion", "06_flow2seg", "03_measuring")
"""The chapters that take longest. They are begun first, lest one of them runs alone while other processors idle."""


def begun_first(build: str) -> list[str]:
    """Snakemake's words for it, as far as the book has these chapters."""
    targets = [f"{build}/nbs/{name}.ipynb" for name in names() if name in LONGEST]
    return ["--prioritize", *targets] if targets else []


def _snakemake(build: str, extra: list[str], night: str, lock: int) -> int:
    started = time.monotonic()
    command = [sys.executable, "-m", "snakemake", *(["night"] if night else [])]
    command += ["--nolock", "--rerun-incomplete", "--keep-going", *([] if night else begun_first(build))]
    if not any(word.startswith(("--cores", "-c", "--jobs", "-j")) for word in extra):
        command += ["--cores", "all"]
    log = ROOT / build / "log" / f"snakemake{'-night' if night else ''}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as file:  # its own words are for the log; the steps print what they do
        command += ["--config", f"build={build}", *([f"night={night}"] if night else []), *extra]
        status = subprocess.run(command, cwd=ROOT, stderr=file, pass_fds=[lock]).returncode
    index = ROOT / build / "html" / "index.html"
    if status:
        said = "\n".join(log.read_text(encoding="utf-8").splitlines()[-25:])
        failed = "some runs failed" if night else "the book was not built"
        print(f"{said}\n{failed}; the logs are in {build}/log", file=sys.stderr)
    elif index.exists() and not night:
        print(f"the book is in {build}/html ({time.monotonic() - started:.0f} s); open {index.as_uri()}")
    return status
