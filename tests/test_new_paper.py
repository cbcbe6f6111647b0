"""A new paper starts with one command, and what it writes runs, exports and can be judged at once."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from mmlib.book.new_paper import main, start
from mmlib.health import silent
from mmlib.results import Key, load_claims, load_record
from mmlib.results.night import wanted

TITLE = 'SenseFormer: "two" senses, it\'s said # so'


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
    """Run Python in the copy."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_it_exports_runs_at_smoke_and_shows_what_is_there(project):
    started = run(project, "-m", "mmlib.book.new_paper", "12", "senseformer", TITLE)
    assert started.returncode == 0 and "make reproduce CHAPTER=12 PRESET=smoke" in started.stdout, started.stderr
    exported = run(project, "-m", "mmlib.book.export")
    assert exported.returncode == 0 and "written: senseformer.py" in exported.stdout, exported.stderr
    assert "class Senseformer(nn.Module)" in (project / "mmlib" / "models" / "senseformer.py").read_text()

    name = "senseformer/senseformer-ministreet-smoke-0"
    code = (
        f"from pathlib import Path; from mmlib.results.night import make_run; make_run({name!r}, '_build', Path('out'))"
    )
    made = run(project, "-c", code)
    assert made.returncode == 0, made.stdout + made.stderr
    record = load_record(Key.parse(name).path(project / "out"))
    row = load_claims("senseformer", project / "claims").direction("infrared_helps")
    assert row.metric == "test.miou" and row.floor == "test.floor" and row.parts == ("second encoder",)
    assert 0 <= record.values["test"]["floor"] <= 1 and 0 <= record.values["hidden"]["movers"] <= 1
    assert record.training.steps == 16 and record.asked["preset"]["steps"] == 16
    assert set(record.health["second encoder"]) == {"start", "middle", "end"} and not silent(record.health)
    assert "senseformer/senseformer" in record.values["weights"]

    shown = run(project, "-m", "mmlib.book", "run", "12b", "--preset", "smoke")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    first = run(project, "-m", "mmlib.book", "run", "12", "--preset", "smoke")
    assert first.returncode == 0, "the default variant is the first one: " + first.stdout + first.stderr


def test_its_claim_has_a_floor_a_positive_control_and_controls(tmp_path):
    start(12, "senseformer", TITLE, tmp_path)
    paper = load_claims("senseformer", tmp_path / "claims")
    assert paper.title == TITLE and next(iter(paper.variants)) == "senseformer"
    head = paper.direction("infrared_helps")
    assert head.headline and head.seeds == 10 and head.positive == "infrared_shows_what_hides" and head.floor
    assert {"smoke", "laptop", "night", "gpu"} == set(paper.presets)
    runs = wanted([paper])
    assert {key.variant for key in runs if key.seed == 9} == {"senseformer", "without_ir", "ir_shuffled", "ir_zeroed"}
    assert sum(key.variant.endswith("_x2") for key in runs) == 3 * 4


@pytest.mark.parametrize("title", ["yes", "a: b", "- x", 'say "no"', "it's", "100", "{x}", "# nothing", "Überblick"])
def test_no_title_breaks_the_file(tmp_path, title):
    start(12, "senseformer", title, tmp_path)
    assert load_claims("senseformer", tmp_path / "claims").title == title


def test_both_notebooks_have_the_form_of_a_chapter(tmp_path):
    builds, holds, _ = start(12, "senseformer", "SenseFormer", tmp_path)
    assert (builds.name, holds.name) == ("12_senseformer.ipynb", "12b_senseformer_holds.ipynb")
    for path in (builds, holds):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert notebook.cells[0].source.startswith("# SenseFormer: ")
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert {"colab", "remove-cell"} <= set(code[0].metadata["tags"])
        assert ("parameters" in code[1].metadata["tags"]) == (path == builds)
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
        for cell in notebook.cells:
            assert "{{" not in cell.source and '"""\n' not in cell.source[:4] and not cell.source.endswith("\n")
    text = builds.read_text()
    assert text.count("train(\\n") == 1 and text.count("def step(") == 1 and '\\"export\\"' not in text
    assert "train(" not in holds.read_text() and "export" not in holds.read_text()


def test_nothing_is_overwritten(tmp_path):
    paths = start(12, "senseformer", "SenseFormer", tmp_path)
    first = [path.read_bytes() for path in paths]
    for number, key in ((12, "senseformer"), (13, "senseformer"), (12, "other")):
        with pytest.raises(ValueError, match="free"):
            start(number, key, "Title", tmp_path)
    paths[0].unlink()
    with pytest.raises(ValueError, match="free"):
        start(12, "other", "Title", tmp_path)
    assert [path.read_bytes() for path in paths[1:]] == first[1:] and not (tmp_path / "claims" / "other.yml").exists()


@pytest.mark.parametrize(
    ("number", "key", "title"),
    [
        (0, "a", "A"),
        (100, "a", "A"),
        (12, "Sense Former", "A"),
        (12, "../x", "A"),
        (12, "12", "A"),
        (12, "a", "two\nlines"),
    ],
)
def test_names_are_checked(tmp_path, number, key, title):
    with pytest.raises(ValueError, match="expected a (number from 1 to 99|title of one line)"):
        start(number, key, title, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_command_says_how_it_is_used(capsys):
    assert main(["senseformer"]) == 2 and "usage" in capsys.readouterr().err
