"""One run of the grid: a chapter without the cells that only show, in its own process, into a folder of the night."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from mmlib.claims import Key, key_of
from mmlib.nightly.planning import load, notebook_of, parse
from mmlib.runs import load_record
from mmlib.runs.atomic import replace_file
from mmlib.runs.fingerprint import ROOT
from mmlib.runs.training import check_training

SHOWN_ONLY = {"look", "exercise", "solution"}


def results_folder(build: Path | str) -> Path:
    """Where a night's records wait until they are judged."""
    return Path(build) / "night" / "results"


def without_looks(notebook: Path, output: Path) -> Path:
    """Write the notebook as the grid runs it: without the cells that only show something."""
    found = json.loads(notebook.read_text(encoding="utf-8"))
    found["cells"] = [cell for cell in found["cells"] if not SHOWN_ONLY & set(cell["metadata"].get("tags", []))]
    replace_file(output, json.dumps(found).encode())
    return output


def share_device(name: str) -> None:
    """Spread runs over the GPUs of this machine, always the same run on the same one; several share each."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") or shutil.which("nvidia-smi") is None:
        return
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout.splitlines()
    if len(listed) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(zlib.crc32(name.encode()) % len(listed))


def checked_record(key: Key, folder: Path) -> dict:
    """The record of one run below ``folder``.

    Raises:
        FileNotFoundError: the chapter wrote none.
        ValueError: it is damaged, not this run's, or its training block is not what it should be.
    """
    path = key.path(folder)
    record = load_record(path)
    if key_of(record) != key:
        raise ValueError(f"{path}: expected the record of {key}, got that of {key_of(record)}")
    if "training" in record["values"]:
        check_training(record["values"]["training"])
    return record


def run_one(name: str, build: Path | str) -> Path:
    """Make one run and return its record's path; the record is checked before anybody may count on it.

    Raises:
        RuntimeError: a cell failed.
        ValueError: the record is bad; it is set aside as ``*.bad``.
    """
    from mmlib.book.execute import execute

    key, build = parse(name), (ROOT / build).resolve()
    notebook = notebook_of(load(key.paper))
    if notebook is None:
        raise FileNotFoundError(f"expected the chapter of {key.paper}, there is none; next: write it")
    folder, path = results_folder(build), key.path(results_folder(build))
    path.unlink(missing_ok=True)
    share_device(name)
    slim = without_looks(notebook, build / "night" / "nbs" / f"{name}.in.ipynb")
    same = {"data": key.data, "seed": key.seed, "variant": key.variant, "pretrained": False, "out": str(folder)}
    execute(slim, build / "night" / "nbs" / f"{name}.ipynb", preset=key.preset, parameters=same)
    try:
        checked_record(key, folder)
    except ValueError:
        path.replace(path.with_suffix(".bad"))
        raise
    return path


def run_all(build: str, jobs: str, extra: list[str], lock: int) -> int:
    """Let Snakemake make the planned runs; it goes on past failures. The exit status is Snakemake's.

    lock: the night's, a file descriptor that Snakemake inherits: a night that outlives its killed parent is waited for.
    """
    folder = ROOT / build / "night"
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "snakemake", "night", "--nolock", "--rerun-incomplete", "--keep-going"]
    elsewhere = any(word.startswith(("--executor", "-e")) for word in extra)
    if not any(word.startswith(("--cores", "-c", "--jobs", "-j")) for word in extra):
        command += ["--jobs" if elsewhere else "--cores", jobs]
    command += ["--quiet", "all", "--config", f"build={build}", *extra]
    with open(folder / "snakemake.log", "w", encoding="utf-8") as log:
        return subprocess.run(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, pass_fds=[lock]).returncode
