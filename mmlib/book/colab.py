"""Colab: the first cell of every chapter, and what it calls once the book's own code is there."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from mmlib import __version__
from mmlib.files import ROOT

# Import name -> what pip calls it. torch, torchvision and numpy are Colab's own and are never touched.
NEEDED = {
    "kornia": "kornia>=0.8.2",
    "torchmetrics": "torchmetrics>=1.6",
    "pycocotools": "pycocotools>=2.0.8",
    "cv2": "opencv-python-headless>=4.10",
    "safetensors": "safetensors>=0.4.5",
    "ipywidgets": "ipywidgets>=8.1",
    "PIL": "pillow>=10.3",
    "yaml": "pyyaml>=6.0",
    "tqdm": "tqdm>=4.66",
    "pydantic": "pydantic>=2.9",
    "scipy": "scipy>=1.14",
    "pandas": "pandas>=2.2",
}
KEPT = ("torch", "torchvision", "numpy")

CELL = """\
# In Colab this fetches the book's code and what it needs; anywhere else it does nothing.
import os
if "COLAB_RELEASE_TAG" in os.environ:
    import subprocess, sys
    if not os.path.isdir("book_code"):
        repo = os.environ.get("BOOK_REPOSITORY", "{url}")
        if subprocess.run(["git", "clone", "-q", "--depth", "1", "--branch", "{branch}", repo, "book_code"]).returncode:
            sys.exit("No code at " + repo + ": upload the book as the folder book_code, or set BOOK_REPOSITORY.")
    sys.path.insert(0, os.path.abspath("book_code"))
    from mmlib.book import colab
    colab.main("{version}")"""


def cell() -> str:
    """The text of every chapter's first cell; the repository's address comes from _config.yml alone."""
    import yaml  # not needed, and perhaps not there, in Colab

    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    return CELL.format(url=repository["url"], branch=repository["branch"], version=__version__)


def missing() -> list[str]:
    """The packages of NEEDED that cannot be imported here, or are older than what is needed."""
    return [package for name, package in NEEDED.items() if importlib.util.find_spec(name) is None or _too_old(package)]


def _too_old(package: str) -> bool:
    """Whether an installed package is older than "name>=version" asks for; another build's name says nothing."""
    name, _, least = package.partition(">=")
    try:
        return _numbers(metadata.version(name)) < _numbers(least)
    except metadata.PackageNotFoundError:  # OpenCV comes under several names
        return False


def _numbers(version: str) -> list[int]:
    """The first three numbers of a version: [4, 10, 0] of "4.10.0.84" or "4.10rc1"."""
    found = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    return [int(part or 0) for part in found.groups()] if found else [0, 0, 0]


def install(packages: list[str]) -> None:
    """Install ``packages`` with pip while torch, torchvision and numpy are held at the versions that are here.

    Raises:
        RuntimeError: pip failed; the message holds what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder) / "held.txt"
        held.write_text("".join(f"{name}=={metadata.version(name)}\n" for name in KEPT))
        command = [sys.executable, "-m", "pip", "install", "-q", "-c", str(held), *packages]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{', '.join(packages)} could not be installed; next: restart and try again\n{done.stderr}")
    importlib.invalidate_caches()


def verdict() -> str:
    """One paragraph: device, memory, disk, and the preset that suits them."""
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        where, preset = f"{torch.cuda.get_device_name()} with {memory:.0f} GiB", "gpu" if memory > 30 else "laptop"
    else:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        where, preset = f"CPU, {os.cpu_count()} cores, {memory:.0f} GiB", "laptop"
    free = shutil.disk_usage(".").free / 1e9
    versions = f"Fuse, Flow, Refer {__version__} with torch {torch.__version__}"
    return f'{versions} on {where}; {free:.0f} GB of disk free. Use preset = "{preset}".'


def main(expected: str) -> None:
    """Install what is missing and print the verdict; say so if the notebook was written for another version."""
    packages = missing()
    if packages:
        install(packages)
    print(verdict())
    if expected != __version__:
        print(
            f"This notebook was written for version {expected}, the code is {__version__}:"
            " open the chapter again from the book."
        )
