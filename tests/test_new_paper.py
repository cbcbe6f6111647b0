"""A new paper starts with one command, and what it writes runs, exports and can be judged at once."""

import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from mmlib.book.new_paper import main, start
from mmlib.claims import load
from mmlib.nightly.planning import wanted


@pytest.fixture
def project(tmp_path, root):
    """A copy of the library without chapters."""
    shutil.copytree(root / "mmlib", tmp_path / "mmlib", ignore=shutil.ignore_patterns("__pycache__", "models"))
    (tmp_path / "mmlib" / "models").mkdir()
    (tmp_path / "mmlib" / "models" / "__init__.py").write_text('"""Models."""\n')
    for name in ("_config.yml", "constraints.txt", "pyproject.toml"):
        shutil.copy(root / name, tmp_path / name)
    for name in ("nbs", "claims", "results"):
        (tmp_path / name).mkdir()
    return tmp_path


def run(folder, *words: str) -> subprocess.CompletedProcess:
    """Run one of the copy's commands."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_it_runs_exports_and_writes_a_record_that_its_claim_can_read(project):
    started = run(project, "mmlib.book.new_paper", "12", "senseformer", "SenseFormer")
    assert started.returncode == 0 and "make reproduce CHAPTER=12 PRESET=smoke" in started.stdout, started.stderr
    exported = run(project, "mmlib.book.export")
    assert exported.returncode == 0 and "written: senseformer.py" in exported.stdout, exported.stderr
    assert "class Senseformer(nn.Module)" in (project / "mmlib" / "models" / "senseformer.py").read_text()
    made = run(project, "mmlib.book", "run", "12", "--preset", "smoke", "-p", "out", "results", "-p", "seed", "3")
    assert made.returncode == 0, made.stdout + made.stderr
    record = json.loads((project / "results" / "senseformer" / "senseformer-ministreet-smoke-3.json").read_text())
    row = load("senseformer", project / "claims").directions[0]
    assert 0 <= record["values"]["test"]["miou"] <= 1 and row.metric == "test.miou"
    assert record["values"]["training"]["steps"] == 16


def test_it_plans_its_claim_and_the_control(tmp_path):
    start(12, "senseformer", "SenseFormer", tmp_path)
    runs = wanted(load("senseformer", tmp_path / "claims"))
    assert {key.variant for key in runs if key.seed == 9} == {"senseformer", "without_ir", "ir_shuffled"}
    assert sum(key.variant.endswith("_x2") for key in runs) == 3


def test_it_has_the_form_of_a_chapter(tmp_path):
    notebook = nbformat.read(start(12, "senseformer", "SenseFormer", tmp_path)[0], as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# SenseFormer")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "colab" in code[0].metadata["tags"] and "parameters" in code[1].metadata["tags"]
    for cell in code[1:]:  # the first is the book's own
        assert "{{" not in cell.source and "{key}" not in cell.source and cell.source.count("\n") < 30
        assert max(map(len, cell.source.splitlines())) <= 88 or "hide-input" in cell.metadata.get("tags", [])


def test_nothing_is_overwritten(tmp_path):
    first = [path.read_bytes() for path in start(12, "senseformer", "SenseFormer", tmp_path)]
    for number, key in ((12, "senseformer"), (13, "senseformer"), (12, "other")):
        with pytest.raises(ValueError, match="free"):
            start(number, key, "Title", tmp_path)
    assert [
        p.read_bytes() for p in (tmp_path / "nbs" / "12_senseformer.ipynb", tmp_path / "claims" / "senseformer.yml")
    ] == first


@pytest.mark.parametrize(("number", "key"), [(0, "a"), (100, "a"), (12, "Sense Former"), (12, "../x"), (12, "12")])
def test_names_are_checked(tmp_path, number, key):
    with pytest.raises(ValueError, match="expected a number from 1 to 99"):
        start(number, key, "Title", tmp_path)


def test_the_command_says_how_it_is_used(capsys):
    assert main(["senseformer"]) == 2 and "usage" in capsys.readouterr().err
