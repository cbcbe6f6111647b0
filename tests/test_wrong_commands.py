"""Commands as people mistype them, as attackers write them, and on machines that lack something."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import mmlib.results.__main__ as results_command
from mmlib import notebooks
from mmlib.book import __main__ as book_command
from mmlib.book import colab, graph, install, lab
from mmlib.results import night

INJECTIONS = ["x; touch pwned", "$(touch pwned)", "`touch pwned`", '"; touch pwned; "', "'; touch pwned; '",
              "$(shell touch pwned)", "$$(touch pwned)", "x\ntouch pwned", "| touch pwned", "${shell touch pwned}",
              "$(eval X := $(shell touch pwned))", "-n; touch pwned #"]  # fmt: skip
VARIABLES = ["PRESET", "CHAPTER", "DATA", "VARIANT", "SEED", "JOBS", "FORCE", "SNAKEMAKE", "PYTEST", "PYTHON"]


@pytest.fixture
def makefile(tmp_path, root):
    """The Makefile in a folder of its own, where Python only notes what it was called with."""
    folder = tmp_path / "ein büch"
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    shutil.copy(root / "Makefile", folder)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$*" >> called\nenv -0 > said\n')
    python.chmod(0o755)

    def make(*words, **environment):
        inherited = {name: value for name, value in os.environ.items() if name not in (*VARIABLES, "MAKEFLAGS")}
        command = ["make", *words]
        if not any(word.startswith("PYTHON=") for word in words) and "PYTHON" not in environment:
            command.append("PYTHON=true")
        done = subprocess.run(command, cwd=folder, env=inherited | environment, capture_output=True, text=True)
        said = (folder / "said").read_text().split("\0") if (folder / "said").exists() else []
        return done, dict(line.split("=", 1) for line in said if "=" in line), folder

    return make


@pytest.mark.parametrize("how", ["as an argument", "through the environment"])
@pytest.mark.parametrize("text", INJECTIONS)
def test_what_make_is_told_is_never_run(makefile, text, how):
    told = {name: text for name in VARIABLES if name not in ("PYTHON", "PYTEST")}
    for target in ("night", "nightly", "reproduce", "test"):
        words = [f"{name}={value}" for name, value in told.items()] if how == "as an argument" else []
        _, said, folder = makefile(target, *words, **({} if words else told))
        assert not (folder / "pwned").exists()
        assert {name: said[name] for name in told} == told, "and it arrives as it was written"


@pytest.mark.parametrize("text", INJECTIONS)
def test_neither_are_pythons_name_and_words_for_pytest(makefile, text):
    done, _, folder = makefile("book", f"PYTHON={text}")
    assert done.returncode and not (folder / "pwned").exists()
    _, said, folder = makefile("test", f"PYTEST={text}")
    assert said["PYTEST_ADDOPTS"] == text and not (folder / "pwned").exists()


@pytest.mark.parametrize(("words", "called"), [
    (["night"], "mmlib.results night --said"), (["night", "SNAKEMAKE=--jobs 4"], "mmlib.book make --said --night"),
    (["reproduce", "CHAPTER=05"], "mmlib.results reproduce --said"), (["lab"], "mmlib.book lab"),
    (["nightly"], "mmlib.results nightly --said"), (["book"], "mmlib.book make --said")])  # fmt: skip
def test_make_calls_python(makefile, words, called):
    done, _, folder = makefile(*words)
    assert done.returncode == 0 and called in (folder / "called").read_text()


def test_libraries_are_compiled_once(makefile):
    _, said, _ = makefile("test", PYTHONDONTWRITEBYTECODE="1")
    assert said["PYTEST_ADDOPTS"] == "" and "PYTHONDONTWRITEBYTECODE" not in said


def test_an_old_python_says_so_in_words_that_it_can_read(makefile, tmp_path):
    old = tmp_path / "old"
    old.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} -c "import sys; sys.version_info = (2, 7); '
                   'sys.version = \'2.7.18 (x)\'; $1"\n')  # fmt: skip
    old.chmod(0o755)
    done, _, _ = makefile("book", f"PYTHON={old}")
    assert "setup: expected Python 3.11 or newer, got 2.7.18; next: make PYTHON=python3.12 book" in done.stderr
    assert done.returncode and "Traceback" not in done.stderr


# --- what the commands make of it


@pytest.fixture
def told(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


@pytest.fixture
def asked(monkeypatch):
    """What the night would be asked for; nothing is run."""
    calls = []
    for name in ("night", "nightly"):
        monkeypatch.setattr(night, name, lambda **given: calls.append(given) or 0)
    monkeypatch.setattr(graph, "make", lambda *given: calls.append(given) or 0)
    return calls


def test_the_environment_is_read_where_make_asks_for_it(told, asked):
    for name, value in {"CHAPTER": "05", "PRESET": "smoke", "VARIANT": "rgb", "SEED": "3", "FORCE": "1"}.items():
        told(name, value)
    told("DATA", "")
    assert results_command.main(["night", "--said"]) == 0
    only = {"data": None, "variant": "rgb", "seed": 3}
    assert asked[0] == {
        "chapter": "05",
        "preset": "smoke",
        "build": "_build",
        "only": only,
        "jobs": None,
        "force": True,
    }
    assert results_command.main(["night"]) == 0
    assert asked[1]["chapter"] is None and asked[1]["preset"] == "night" and not asked[1]["force"]
    assert results_command.main(["nightly", "--said"]) == 0 and asked[2]["preset"] == "smoke"
    told("SNAKEMAKE", "--executor 'a b' --jobs 4")
    assert book_command.main(["make", "--said"]) == 0
    assert asked[3] == ("_build", ["--executor", "a b", "--jobs", "4"], "")


MISTAKES = [  # what make is told, the command, what is said
    ({"PRESET": "huge"}, "results night", "expected a preset out of smoke, laptop"),
    ({"PRESET": "huge"}, "results nightly", "expected a preset out of smoke, laptop"),
    ({"PRESET": "huge", "CHAPTER": "1"}, "results reproduce", "expected a preset out of smoke, laptop"),
    ({"PRESET": "huge"}, "book make --night", "expected a preset out of smoke, laptop"),
    ({"VARIANT": "nope"}, "results night", "got none for preset=night, variant=nope; next: try variant: "),
    ({"VARIANT": "rbg_ir"}, "results night", "variant: rgb_ir"),
    ({"VARIANT": "nope", "CHAPTER": "05"}, "results reproduce", "got none for preset=night, variant=nope"),
    ({"VARIANT": "nope", "CHAPTER": "1"}, "results reproduce", "makes no claims and has no variants"),
    ({"DATA": "kitti"}, "results night", "got none for preset=night, data=kitti; next: try data: "),
    ({"SEED": "999"}, "results night", "got none for preset=night, seed=999"),
    ({"SEED": "-1"}, "results night", "got none for preset=night, seed=-1"),
    ({"SEED": "three"}, "results night", "argument --seed: invalid int value: 'three'"),
    ({"JOBS": "0"}, "results night", "expected a whole number of at least 1, got '0'"),
    ({"JOBS": "-4"}, "results night", "expected a whole number of at least 1, got '-4'"),
    ({"JOBS": "many"}, "results nightly", "expected a whole number of at least 1, got 'many'"),
    ({"CHAPTER": "trainign"}, "results night", "got 'trainign'; next: try training"),
    ({"CHAPTER": "trainign"}, "results nightly", "got 'trainign'; next: try training"),
    ({"CHAPTER": "06_flow2sge"}, "results reproduce", "got '06_flow2sge'; next: try 06_flow2seg"),
    ({"CHAPTER": "77"}, "results reproduce", "expected one of the chapters"),
    ({}, "results reproduce", "got none; next: make reproduce CHAPTER=05"),
    ({"CHAPTER": "../../etc/passwd"}, "results night", "expected one of the chapters with claims"),
    ({"CHAPTER": "-x"}, "results night", "got '-x'"),
    ({"CHAPTER": "05"}, "book make --night", "a cluster's night cannot be narrowed, got CHAPTER"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "command", "message"), MISTAKES, ids=lambda x: str(x)[:40])
def test_what_matches_nothing_is_an_error_with_the_nearest_names(told, capsys, monkeypatch, given, command, message):
    monkeypatch.setattr(night, "run_queue", lambda *_, **__: pytest.fail("something was run"))
    monkeypatch.setattr(graph, "make", lambda *_: pytest.fail("something was built"))
    for name, value in given.items():
        told(name, value)
    part, name, *more = command.split()
    main = results_command.main if part == "results" else book_command.main
    try:
        status = main([name, *more, "--said"])
    except SystemExit as stopped:  # argparse
        status = stopped.code
    said = capsys.readouterr().err
    assert status and message in said and "Traceback" not in said


def test_a_rerun_that_picks_nothing_says_so(monkeypatch):
    monkeypatch.setattr(night, "sample", lambda *_, **__: ([], {}))
    with pytest.raises(ValueError, match="expected published runs of 05 at gpu; their presets: night"):
        night.nightly(chapter="05", preset="gpu")
    assert night.nightly() == 0, "a book without records has nothing to rerun"


@pytest.mark.parametrize("main", [results_command.main, book_command.main])
def test_ctrl_c_ends_in_one_line(capsys, monkeypatch, main):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(results_command, "_run", interrupted)
    monkeypatch.setattr(book_command, "_run", interrupted)
    assert main(["night"] if main is results_command.main else ["make"]) == 130
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "stopped; the same command goes on from here" in said


@pytest.mark.parametrize("value", ["{[", "a: b: c", "!!python/object:x", "&a *b", "\t"])
def test_a_parameter_that_is_no_yaml_is_of_a_wrong_type(monkeypatch, value):
    monkeypatch.setattr(notebooks, "parameter_defaults", lambda _: {"seed": 0})
    with pytest.raises(ValueError, match="x.ipynb: expected seed as int"):
        notebooks.check_parameters(Path("x.ipynb"), {"seed": value})


# --- machines that lack something


def test_a_home_that_cannot_be_written_moves_the_caches(monkeypatch, tmp_path):
    home = tmp_path / "home"
    home.write_text("no folder: nothing can be written below it, whoever asks")
    monkeypatch.setenv("HOME", str(home))
    for name in (
        "XDG_CACHE_HOME",
        "TORCH_HOME",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_CONFIG_DIR",
        "IPYTHONDIR",
        "MPLCONFIGDIR",
    ):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    notebooks.own_caches(tmp_path / "cache")
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "cache")
    assert Path(os.environ["JUPYTER_RUNTIME_DIR"]).is_dir() and Path(os.environ["MPLCONFIGDIR"]).is_dir()
    assert os.environ["TORCH_HOME"] == str(home / ".cache" / "torch"), "weights stay where they are"
    notebooks.own_caches(tmp_path / "another")
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "cache"), "a child keeps to what its parent chose"


def test_a_home_that_can_be_written_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    notebooks.own_caches(tmp_path / "cache")
    assert "XDG_CACHE_HOME" not in os.environ and not (tmp_path / "cache").exists()


@pytest.mark.parametrize("said", ["connection broken by 'NewConnectionError('", "ConnectTimeoutError(<x>)",
                                  "Cannot connect to proxy."])  # fmt: skip
def test_without_a_network_setup_says_so_first(monkeypatch, said):
    done = subprocess.CompletedProcess([], 1, "", f"WARNING: Retrying: {said}")
    monkeypatch.setattr(install.subprocess, "run", lambda command, **_: done)
    with pytest.raises(SystemExit, match="setup: no package index can be reached; next: check the network"):
        install.install("cuda")


def test_uv_is_pinned():
    assert install.UV in install.INSTALL_UV and "==" in install.UV


VERSIONS = [("4.9.0.80", "opencv>=4.10", True), ("4.10.0", "opencv>=4.10", False), ("9.5", "pillow>=10.3", True),
            ("10.3.0", "pillow>=10.3", False), ("6.0rc1", "pyyaml>=6.0", False)]  # fmt: skip


@pytest.mark.parametrize(("here", "least", "old"), VERSIONS)
def test_colab_gets_what_is_too_old_anew(monkeypatch, here, least, old):
    monkeypatch.setattr(colab.metadata, "version", lambda name: here)
    assert colab._too_old(least) == old


def test_the_colab_cell_says_what_to_do_without_a_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "test")
    monkeypatch.setenv("BOOK_REPOSITORY", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="No code at .*none: upload the book as the folder book_code, or set"):
        exec(colab.cell(), {})


# --- copies for Lab


def test_lab_opens_copies_and_keeps_what_was_changed(tmp_path):
    assert lab.copy_chapters(tmp_path) == []
    names = [path.name for path in notebooks.chapters()]
    assert sorted(path.name for path in tmp_path.glob("*.ipynb")) == names
    first, second = tmp_path / names[0], tmp_path / names[1]
    first.write_text(first.read_text().replace("\n", "\n ", 1))
    second.unlink()
    mine = first.read_text()
    assert lab.copy_chapters(tmp_path) == [names[0]]
    assert first.read_text() == mine and second.is_file()
    note = tmp_path / ".copied.json"
    made = json.loads(note.read_text())
    stale = "an older chapter, as it was copied"
    second.write_text(stale)
    note.write_text(json.dumps(made | {names[1]: lab.hashlib.sha256(stale.encode()).hexdigest()}))
    assert lab.copy_chapters(tmp_path) == [names[0]] and second.read_text() != stale, "untouched copies follow"


def test_a_copy_reads_well_in_lab():
    for chapter in notebooks.chapters():
        cells = json.loads(lab.copied(chapter))["cells"]
        for cell in cells:
            text = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                left = re.search(r"```\{|:::|\{[a-z:]+\}`", text)
                assert left is None, f"{chapter.name}: {text[:200]}"
            elif lab.FOLDED & set(cell["metadata"].get("tags", [])):
                assert cell["metadata"]["jupyter"]["source_hidden"]


def test_directives_become_plain_markdown():
    task = "```{exercise} Turn it\n:label: ex-ch1-turn\nTurn the {term}`flow <optical flow>`.\n\nTwice.\n```"
    block = f"Before.\n\n{task}\nAfter."
    expected = "Before.\n\n> **Exercise: Turn it**\n>\n> Turn the flow.\n>\n> Twice.\nAfter."
    assert lab.plain(block) == expected
    assert lab.plain("See {doc}`/book/ledger` and {cite}`liu2023`.") == "See book/ledger and [liu2023]."
    assert lab.plain("```python\nx = {1}\n```") == "```python\nx = {1}\n```"


# --- workflows


def test_workflows_hold_few_rights_and_pins(root):
    for path in (root / ".github" / "workflows").glob("*.yml"):
        text = path.read_text()
        found = yaml.safe_load(text)
        assert found["permissions"] == {}, "nothing is given to all jobs"
        assert all(job.get("permissions") and job.get("timeout-minutes", 60) for job in found["jobs"].values())
        for line in re.findall(r"uses: .*", text):
            assert re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line
    night_file = yaml.safe_load((root / ".github" / "workflows" / "nightly.yml").read_text())
    push = next(step["run"] for step in night_file["jobs"]["nightly"]["steps"] if "git push" in step.get("run", ""))
    assert push.index("pull -q --rebase") < push.index("git push")
    report = night_file["jobs"]["report"]
    assert report["if"] == "failure()" and report["permissions"] == {"issues": "write"}
