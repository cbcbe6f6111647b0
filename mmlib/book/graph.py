"""What the Snakefile asks: a chapter's inputs, the state outside its files, and one safe way to start Snakemake."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from mmlib.book.chapters import NBS, chapters
from mmlib.files import locked
from mmlib.files import ROOT
from mmlib.results.fingerprint import code_files, notebook_code


def inputs(name: str) -> list[str]:
    """Every file chapter ``name`` is made from, relative to the root: itself, the mmlib files it runs, the pins."""
    notebook = NBS / f"{name}.ipynb"
    files = [notebook, *code_files(notebook), ROOT / "constraints.txt"]
    return [str(path.relative_to(ROOT)) for path in files]


def outside_state(name: str) -> str:
    """A hash of what a chapter shows beside its code: the published records it reads, the real data it can see.

    Records are named by their content and never by their time: a checkout gives every file a new one.
    """
    digest = hashlib.sha256()
    text = notebook_code(NBS / f"{name}.ipynb")
    for record in sorted((ROOT / "results").rglob("*.json")):
        if record.parent.name in text:  # results/CHAPTER/..., and the chapter's notebook names CHAPTER
            digest.update(str(record.relative_to(ROOT)).encode() + record.read_bytes())
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
    own = [*(ROOT / "mmlib" / "book").glob("*.py"), ROOT / "_config.yml", ROOT / "_toc.yml"]
    return [str(path.relative_to(ROOT)) for path in sorted([*found, *own])]


def ledger_state() -> str:
    """A hash of what the ledger is drawn from: claims, records and histories, and the code that judges them."""
    digest = hashlib.sha256()
    for pattern in ("claims/*.yml", "results/**/*.json", "results/**/*.jsonl", "mmlib/claims/*.py", "mmlib/show/*.py"):
        for path in sorted(ROOT.glob(pattern)):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


def names() -> list[str]:
    """The chapters' names, in order."""
    return [path.stem for path in chapters()]


def make(build: str, extra: list[str]) -> int:
    """Run the Snakefile's graph into ``build``; ``extra`` goes to Snakemake (executor, jobs, targets).

    Our own lock, held by the kernel for as long as this process or its Snakemake lives, replaces Snakemake's, which
    outlives a kill.
    """
    with locked(ROOT / build / ".lock", f"another build of {build} is running; waiting for it") as lock:
        return _snakemake(build, extra, lock)


def _snakemake(build: str, extra: list[str], lock: int) -> int:
    started = time.monotonic()
    command = [sys.executable, "-m", "snakemake", "--nolock", "--rerun-incomplete", "--keep-going"]
    if not any(word.startswith(("--cores", "-c", "--jobs", "-j")) for word in extra):
        command += ["--cores", "all"]
    log = ROOT / build / "log" / "snakemake.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as file:  # its own words are for the log; the steps print what they do
        command += ["--config", f"build={build}", *extra]
        status = subprocess.run(command, cwd=ROOT, stderr=file, pass_fds=[lock]).returncode
    index = ROOT / build / "html" / "index.html"
    if status:
        said = "\n".join(log.read_text(encoding="utf-8").splitlines()[-25:])
        print(f"{said}\nthe book was not built; the logs are in {build}/log", file=sys.stderr)
    elif index.exists():
        print(f"the book is in {build}/html ({time.monotonic() - started:.0f} s); open {index.as_uri()}")
    return status
