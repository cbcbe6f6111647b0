"""The graph on a small book of its own: what is redone, what is not, and what a kill at any moment leaves behind."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from results_toy import notebook

from mmlib.book import graph, install

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = 'preset = "laptop"\ndata = "ministreet"\nseed = 0\nvariant = "default"\npretrained = True\nout = ""'
pytestmark = pytest.mark.slow


def chapter(path: Path, title: str, code: str) -> None:
    """Write a chapter of three cells."""
    notebook(path, (PARAMETERS, "parameters"), code, title=title)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A book of two chapters, each with its own module, on the project's real machinery. Not to be changed."""
    folder = tmp_path_factory.mktemp("source") / "book"
    for name in ("book", "results", "show"):
        shutil.copytree(ROOT / "mmlib" / name, folder / "mmlib" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [
        *(ROOT / "mmlib").glob("*.py"),
        *(ROOT / name for name in ("Snakefile", "constraints.txt", "_config.yml")),
    ]:
        shutil.copy(path, folder / path.relative_to(ROOT))
    (folder / "mmlib" / "left.py").write_text("VALUE = 1\n")
    (folder / "mmlib" / "right.py").write_text("VALUE = 2\n")
    (folder / "nbs").mkdir()
    chapter(folder / "nbs" / "01_left.ipynb", "Left", "from mmlib.left import VALUE\nprint('left', VALUE)")
    chapter(folder / "nbs" / "02_right.ipynb", "Right", "from mmlib.right import VALUE\nprint('right', VALUE)")
    (folder / "book" / "assets").mkdir(parents=True)
    shutil.copy(ROOT / "book" / "assets" / "logo.svg", folder / "book" / "assets")
    (folder / "book" / "assets" / "book.css").write_text("")
    (folder / "book" / "references.bib").write_text("")
    (folder / "book" / "intro.md").write_text("# Toy\n")
    files = "".join(f"  - file: nbs/{name}\n" for name in ("01_left", "02_right"))
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: book/intro\nchapters:\n{files}")
    vendor = folder / "_build" / "vendor"  # what is already here need not be fetched again
    vendor.mkdir(parents=True)
    shutil.copy(ROOT / "_build" / "vendor" / "mathjax-3.2.2.tgz", vendor)
    return folder


@pytest.fixture(scope="module")
def first_build(source):
    """The same book, built, and what the build printed. Not to be changed."""
    folder = shutil.copytree(source, source.parent / "built")
    return folder, make(folder)


@pytest.fixture
def book(source, tmp_path):
    """A copy of the book, not yet built."""
    return shutil.copytree(source, tmp_path / "book")


@pytest.fixture
def built(first_build, tmp_path):
    """A copy of the built book, with the times of its files."""
    return shutil.copytree(first_build[0], tmp_path / "book")


def command(*extra: str) -> list[str]:
    """The command behind `make book`."""
    return [sys.executable, "-m", "mmlib.book", "make", *extra]


def environment(folder: Path) -> dict[str, str]:
    """Import the toy's mmlib, not the project's."""
    return {**os.environ, "PYTHONPATH": str(folder)}


def make(folder: Path, *extra: str) -> str:
    """Build the toy book and return what was printed."""
    done = subprocess.run(command(*extra), cwd=folder, env=environment(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def steps(printed: str) -> list[str]:
    """The steps that a build says it took."""
    return sorted(line for line in printed.splitlines() if line.startswith(("executing", "building")))


def pages(folder: Path) -> dict[str, str]:
    """Every built file and its hash."""
    html = folder / "_build" / "html"
    return {
        str(path.relative_to(html)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(html.rglob("*"))
        if path.is_file()
    }


def test_only_what_changed_is_redone(first_build, built):
    assert steps(first_build[1]) == ["building the pages", "executing 01_left", "executing 02_right"]
    assert steps(make(built)) == []
    (built / "mmlib" / "left.py").write_text("VALUE = 10\n")
    assert steps(make(built)) == ["building the pages", "executing 01_left"]
    assert "left 10" in (built / "_build" / "html" / "nbs" / "01_left.html").read_text()
    (built / "book" / "intro.md").write_text("# Toy, again\n")
    assert steps(make(built)) == ["building the pages"]
    os.utime(built / "mmlib" / "right.py")  # a fresh checkout: new times, same content
    assert steps(make(built)) == []


def test_the_longest_chapters_are_begun_first():
    assert set(graph.LONGEST) <= set(graph.names())
    flag, *targets = graph.begun_first("there")
    assert flag == "--prioritize" and sorted(targets) == sorted(f"there/nbs/{name}.ipynb" for name in graph.LONGEST)


def test_a_failing_chapter_is_named_and_the_old_book_stays(built):
    before = pages(built)
    (built / "mmlib" / "left.py").write_text("raise ValueError('broken on purpose')\n")
    done = subprocess.run(command(), cwd=built, env=environment(built), capture_output=True, text=True)
    assert done.returncode != 0
    assert "01_left.ipynb failed: ValueError: broken on purpose" in done.stdout + done.stderr
    assert pages(built) == before
    (built / "mmlib" / "left.py").write_text("VALUE = 1\n")
    make(built)
    assert pages(built) == before


def test_a_warning_fails_the_build_and_says_where(built):
    (built / "book" / "intro.md").write_text("# Toy\n\nSee {ref}`nowhere`.\n")
    done = subprocess.run(command(), cwd=built, env=environment(built), capture_output=True, text=True)
    assert done.returncode != 0 and "nowhere" in done.stdout + done.stderr


def test_killed_at_random_moments_the_book_comes_out_the_same(built):
    wanted = pages(built)
    shutil.rmtree(built / "_build" / "nbs")
    shutil.rmtree(built / "_build" / "html")
    shutil.rmtree(built / ".snakemake")
    delays = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))  # other moments in every run, on purpose
    for kill_the_group in (True, False, True):
        running = subprocess.Popen(command(), cwd=built, env=environment(built), start_new_session=True)
        time.sleep(delay := delays.uniform(0.5, 8))
        print(f"killed after {delay:.2f} s, {'all' if kill_the_group else 'only the parent'}")
        (os.killpg if kill_the_group else os.kill)(running.pid, signal.SIGKILL)
        running.wait()
    make(built)
    assert pages(built) == wanted


def test_what_outlives_its_killed_parent_is_waited_for(book):
    """Only the parent dies while the pages are being built; the next build must not write into the orphan's folders."""
    running = subprocess.Popen(command(), cwd=book, env=environment(book), stdout=subprocess.PIPE, text=True)
    for line in running.stdout:
        if line.startswith("building the pages"):
            break
    running.kill()
    running.wait()
    printed = make(book)
    assert "another build of _build is running; waiting for it" in printed and steps(printed) == []
    assert "left 1" in (book / "_build" / "html" / "nbs" / "01_left.html").read_text()


def test_make_book_in_an_unpacked_zip_with_a_space_and_an_umlaut_where_home_cannot_be_written(book, tmp_path):
    """The command of the README, on a toy: no git history, another kind of path, no home, and no locale."""
    folder = book.rename(tmp_path / "ein Buch für alle")
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, folder)
    venv = folder / ".venv"  # as setup would leave it, with the packages of this one
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    packages = Path(sysconfig.get_path("purelib"))
    (site / "mmlib.pth").write_text(install.path_line(folder) + install.path_line(packages))
    stamp = "from mmlib.book import install; print(install.wanted_stamp(install.choose_torch()[0]), end='')"
    alone = {
        name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG", "PYTHON", "HASHES"))
    }
    no_home = tmp_path / "home"
    no_home.write_text("a file, so that nothing can be written below it, whoever asks")
    alone |= {"HOME": str(no_home), "LC_ALL": "C", "GIT_CEILING_DIRECTORIES": str(tmp_path), "PYTHON": sys.executable}
    said = subprocess.run([sys.executable, "-c", stamp], cwd=folder, env=alone, capture_output=True, text=True)
    (venv / ".ready").write_text(said.stdout)
    done = subprocess.run(["make", "book"], cwd=folder, env=alone, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert steps(done.stdout) == ["building the pages", "executing 01_left", "executing 02_right"]
    assert "setup:" not in done.stdout and f"open {(folder / '_build/html/index.html').as_uri()}" in done.stdout
    assert "left 1" in (folder / "_build" / "html" / "nbs" / "01_left.html").read_text()


def test_two_builds_at_once_take_turns(book):
    both = [subprocess.Popen(command(), cwd=book, env=environment(book), stdout=subprocess.PIPE) for _ in range(2)]
    printed = [process.communicate()[0].decode() for process in both]
    assert all(process.returncode == 0 for process in both)
    assert sum(text.count("executing 01_left") for text in printed) == 1


def test_the_graph_runs_as_jobs_on_a_cluster(book):
    """The generic-cluster executor, with a submit command that starts the job script here as a scheduler would."""
    submit = "bash -c 'nohup $0 >/dev/null 2>&1 & echo $!'"
    cluster = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", submit, "--jobs", "2"]
    make(book, *cluster, "--seconds-between-status-checks", "1", "--latency-wait", "20")
    assert "left 1" in (book / "_build" / "html" / "nbs" / "01_left.html").read_text()


CLAIMS = """\
key: left
title: Left
chapter: 01_left
source: made for tests
tables:
  - {id: t1, title: Table 1, kind: value, grade: S, metric: miou, convention: c, data: ministreet, split: test,
     columns: [mIoU], rows: [{row: Ours, cells: ["0.5"],
             measure: {variant: left, data: ministreet, preset: smoke, seeds: 1, path: test.miou}}]}
"""
RUN = """\
from mmlib.left import VALUE
from mmlib.results import write_record
if out:
    values = {"test": {"miou": VALUE / 10, "split": "test", "convention": "c"}}
    write_record(out, notebook="nbs/01_left.ipynb", paper="left", data=data, data_fingerprint="f", preset=preset,
                 seed=seed, variant=variant, values=values, wall_s=1.0, precision="fp32")
"""


def test_a_night_runs_as_jobs_on_a_cluster_and_again_when_the_code_changes(book):
    (book / "claims").mkdir()
    (book / "claims" / "left.yml").write_text(CLAIMS)
    chapter(book / "nbs" / "01_left.ipynb", "Left", RUN)
    submit = "bash -c 'nohup $0 >/dev/null 2>&1 & echo $!'"
    cluster = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", submit, "--jobs", "2"]
    night = ["--night", "smoke", *cluster, "--seconds-between-status-checks", "1", "--latency-wait", "20"]
    record = book / "results" / "left" / "left-ministreet-smoke-0.json"
    make(book, *night)
    assert b'"miou": 0.1' in record.read_bytes() and not (book / "_build" / "html").exists()
    (book / "mmlib" / "left.py").write_text("VALUE = 2\n")
    make(book, *night)
    assert b'"miou": 0.2' in record.read_bytes()
