"""Fixtures every test may use: where the real data and the reference values are, when they are there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# One thread each, as for chapters: the tests run side by side, and the idle threads of OpenMP's pools would otherwise
# wait busily for each other. This must be said before anything imports PyTorch.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _first_folder(*candidates: Path | str | None) -> Path | None:
    """The first candidate that is a folder."""
    return next((Path(c) for c in candidates if c and Path(c).is_dir()), None)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the real data sets; the test is skipped where there is none."""
    found = _first_folder(os.environ.get("MMLIB_DATA"), ROOT / "../shared/data", ROOT / "data")
    if found is None:
        pytest.skip("no real data: set MMLIB_DATA, or obtain it with data_scripts/")
    return found.resolve()


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """An empty data root that MMLIB_DATA points to."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of public reference values; the test is skipped where there is none."""
    found = _first_folder(os.environ.get("MMLIB_GOLDEN"), ROOT / "../shared/golden")
    if found is None:
        pytest.skip("no reference values: set MMLIB_GOLDEN")
    return found.resolve()


@pytest.fixture(scope="session")
def built_book(root) -> Path:
    """The folder of the built pages; built first, by the reader's own command, where there is none."""
    html = root / "_build" / "html"
    if not (html / ".complete").exists():
        subprocess.run([sys.executable, "-m", "mmlib.book", "make"], cwd=root, check=True)
    return html
