"""Nights on a small book of its own: what fails and what drifts is named, the rest completes, nothing good is lost."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = 'preset = "laptop"\ndata = "ministreet"\nseed = 0\nvariant = "default"\npretrained = True\nout = ""'
INCLUDE = 'include: "mmlib/nightly/rules.smk"'
pytestmark = pytest.mark.slow

# A chapter's one cell: a score made of its module's numbers, and the record of the run.
BODY = """
from mmlib.runs import write_record
from mmlib.runs.variants import split_variant
from mmlib.{name} import GAIN, LOSS, check

check(variant)
name, times = split_variant(variant)
score = 0.5 + seed * 0.01 + GAIN.get(name, 0.0) * (1 + seed * 0.01)
training = {{"steps": 100 * times, "data_order": "seeded", "augmentation": "none", "tuning": "none",
            "first_losses": [LOSS] * 20, "curve": [LOSS] * 16}}
write_record(out, notebook="nbs/{stem}.ipynb", chapter="{name}", data=data, data_fingerprint="f", preset=preset,
             seed=seed, variant=variant, values={{"test": {{"score": score}}, "training": training}}, wall_s=0.1)
"""
MODULE = "GAIN = {gain}\nLOSS = {loss}\n\n\ndef check(variant):\n    {check}\n"

# Runs a chapter's cells in the same process and writes its record without PyTorch: thirty times as fast.
QUICK = '''"""A stand-in."""
import json
from mmlib.runs import records


def execute(notebook, output, *, preset, parameters):
    """Run the cells."""
    records._device = lambda: "CPU"
    names = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= {"preset": preset, **parameters}
'''


def module(folder: Path, name: str, gain: dict, *, loss: float = 1.0, check: str = "pass") -> None:
    """Write a chapter's module."""
    (folder / "mmlib" / f"{name}.py").write_text(MODULE.format(gain=gain, loss=loss, check=check))


def chapter(folder: Path, stem: str, body: str = BODY) -> None:
    """Write a chapter that shows something first, and would fail if the grid executed that."""
    cells = [
        nbformat.v4.new_markdown_cell("# Toy", id="title"),
        nbformat.v4.new_code_cell(PARAMETERS, id="parameters", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("raise SystemError('a cell to look at')", id="look", metadata={"tags": ["look"]}),
        nbformat.v4.new_code_cell(body.format(name=stem[3:], stem=stem), id="body"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "nbs" / f"{stem}.ipynb")


def claims(folder: Path, stem: str, *pairs: tuple[str, str], trained: bool = False) -> None:
    """Write a chapter's claims: each pair (a, b) says that a scores higher than b."""
    same = {"metric": "test.score", "data": "ministreet", "preset": "laptop", "seeds": 2, "grade": "D"}
    rows = [
        {"id": f"{a}_beats_{b}", "statement": f"{a} > {b}", "a": a, "b": b, "trained": trained} | same for a, b in pairs
    ]
    text = {"key": stem[3:], "title": "Toy", "chapter": stem, "source": "tests", "directions": rows}
    (folder / "claims" / f"{stem[3:]}.yml").write_text(yaml.safe_dump(text))


@pytest.fixture
def book(tmp_path):
    """A book of two chapters with claims, on the project's real machinery."""
    folder = tmp_path / "book"
    for name in ("book", "runs", "claims", "nightly", "show"):
        shutil.copytree(ROOT / "mmlib" / name, folder / "mmlib" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mmlib/__init__.py", "Snakefile", "constraints.txt", "_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, folder / name)
    snakefile = folder / "Snakefile"
    if INCLUDE not in snakefile.read_text():
        snakefile.write_text(snakefile.read_text() + f"\n\n{INCLUDE}\n")
    for name in ("nbs", "claims", "book", "results"):
        (folder / name).mkdir()
    for stem in ("01_left", "02_right"):
        chapter(folder, stem)
        module(folder, stem[3:], {"a": 0.1, "c": 0.2})
        claims(folder, stem, ("a", "b"))
    return folder


def commit(folder: Path) -> None:
    """All files of a book, committed; built things are left out."""
    (folder / ".gitignore").write_text("_build/\n.snakemake/\n__pycache__/\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def quick(book):
    """The same book, whose chapters run without a kernel."""
    (book / "mmlib" / "book" / "execute.py").write_text(QUICK)
    (book / "mmlib" / "show" / "__init__.py").write_text("from mmlib.show.tables import table\n")
    return book


def nightly(folder: Path, *words: str) -> tuple[int, str]:
    """Run a command of the night; exit status and what was printed."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "mmlib.nightly", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def published(folder: Path) -> dict[str, str]:
    """Every file in results/ but the history, with its content."""
    files = [p for p in sorted((folder / "results").rglob("*.json")) if p.parent.name != "history"]
    return {str(p.relative_to(folder / "results")): p.read_text() for p in files}


def history(folder: Path, paper: str) -> list[dict]:
    """The nights of a paper."""
    path = folder / "results" / "history" / f"{paper}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def five_more_nights(folder: Path, paper: str) -> None:
    """Repeat the last night of a paper's history, so that there is a band."""
    path = folder / "results" / "history" / f"{paper}.jsonl"
    path.write_text(path.read_text().splitlines()[-1] + "\n" + path.read_text() * 5)


def test_a_failing_chapter_and_a_drifting_claim(quick):
    """One chapter fails in every run, one claim drifts, one holds still."""
    claims(quick, "02_right", ("a", "b"), ("c", "d"))
    assert nightly(quick, "night")[0] == 0
    five_more_nights(quick, "right")
    before, nights = published(quick), len(history(quick, "right"))
    module(quick, "left", {"a": 0.1}, check="raise ValueError('broken on purpose')")
    module(quick, "right", {"a": 0.3, "c": 0.2})
    status, said = nightly(quick, "night")
    assert status == 1, said
    assert "failed: left/a-ministreet-laptop-0: broken on purpose" in said
    assert "drifted: right.a_beats_b: the mean is 0.3" in said
    assert "right.c_beats_d" not in said and "12 runs planned, 8 made, 4 failed, 4 published" in said
    report = (quick / "_build" / "night" / "report.html").read_text()
    assert "broken on purpose" in report and "right.a_beats_b" in report and "right.c_beats_d" in report

    after = published(quick)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {f"right/{v}-ministreet-laptop-{s}.json" for v in "cd" for s in (0, 1)}
    last = history(quick, "right")[-1]
    assert len(history(quick, "right")) == nights + 1 and len(history(quick, "left")) == 1
    assert set(last["claims"]) == {"right.c_beats_d"} and "band" in last["drifted"]["right.a_beats_b"]["reason"]


def test_the_grid_executes_chapters_without_what_they_only_show(book):
    """With kernels, as in earnest: two runs succeed and two fail, each after a second attempt."""
    module(book, "left", {"a": 0.1}, check="assert variant != 'b', 'b is broken'")
    status, said = nightly(book, "night", "--chapter", "left")
    assert status == 1 and "4 runs planned, 2 made, 2 failed, 0 published" in said
    assert "failed: left/b-ministreet-laptop-1: " in said and "AssertionError: b is broken" in said
    assert "incomplete: left.a_beats_b: 2 of 4 runs are missing, first left/b-ministreet-laptop-0" in said
    record = json.loads((book / "_build/night/results/left/a-ministreet-laptop-1.json").read_text())
    assert (record["seed"], record["variant"], record["preset"]) == (1, "a", "laptop")
    assert record["values"]["test"]["score"] == pytest.approx(0.51 + 0.101)


def test_killed_and_started_again(quick):
    """What was done is not done again, and the records are those of a night that nobody disturbed."""
    wanted = nightly(quick, "night", "--chapter", "left") and {
        name: json.loads(text)["values"] for name, text in published(quick).items()
    }
    shutil.rmtree(quick / "results")
    shutil.rmtree(quick / "_build")
    command = [sys.executable, "-m", "mmlib.nightly", "night", "--chapter", "left", "--jobs", "1"]
    environment = {**os.environ, "PYTHONPATH": str(quick)}
    running = subprocess.Popen(command, cwd=quick, env=environment, start_new_session=True)
    done = quick / "_build" / "night" / "done" / "left"
    while running.poll() is None and len(list(done.glob("*.done"))) < 2:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    first = min(done.glob("*.done"), key=lambda path: path.stat().st_mtime_ns)
    stamp = first.stat().st_mtime_ns
    assert nightly(quick, "night", "--chapter", "left")[0] == 0
    assert {name: json.loads(text)["values"] for name, text in published(quick).items()} == wanted
    assert first.stat().st_mtime_ns == stamp, "done twice (the last one may be: the kill came before it was noted)"


def test_a_night_that_outlives_its_killed_parent_is_waited_for(quick):
    command = [sys.executable, "-m", "mmlib.nightly", "night", "--chapter", "left", "--jobs", "1"]
    running = subprocess.Popen(command, cwd=quick, env={**os.environ, "PYTHONPATH": str(quick)})
    done = quick / "_build" / "night" / "done" / "left"
    while running.poll() is None and not list(done.glob("*.done")):
        time.sleep(0.02)
    running.kill()
    running.wait()
    status, said = nightly(quick, "night", "--chapter", "left")
    assert status == 0 and "another night is running; waiting for it" in said, said
    assert "0 failed" in said and len(published(quick)) == 4


def test_only_what_is_stale_is_run(quick):
    status, said = nightly(quick, "night")
    assert status == 0 and "8 runs planned, 8 made, 0 failed, 8 published" in said, said
    assert nightly(quick, "night")[1].startswith("0 runs planned, 0 made, 0 failed, 0 published, 8 kept")
    assert len(history(quick, "left")) == 1, "a night that measured nothing says nothing"
    module(quick, "right", {"a": 0.1001})
    assert "4 runs planned, 4 made, 0 failed, 4 published, 4 kept" in nightly(quick, "night")[1]
    assert "4 runs planned, 4 made" in nightly(quick, "night", "--chapter", "1", "--force")[1]
    assert [len(history(quick, name)) for name in ("left", "right")] == [2, 2]


def test_a_drift_waits_until_somebody_accepts_it(quick):
    nightly(quick, "night")
    five_more_nights(quick, "right")
    module(quick, "right", {"a": -0.3})
    before = published(quick)
    for _ in range(2):  # the second night does not run again what waits, and does not forget it
        status, said = nightly(quick, "night", "--chapter", "right")
        assert status == 1 and published(quick) == before
        assert "accept right.a_beats_b" in said
    assert "expected claims that the last night measured" in nightly(quick, "accept", "right.x")[1]
    assert published(quick) == before
    status, said = nightly(quick, "accept", "right.a_beats_b")
    assert status == 0 and "4 published" in said, said
    assert history(quick, "right")[-1]["claims"]["right.a_beats_b"]["accepted"] is True
    assert published(quick) != before
    assert nightly(quick, "night")[0] == 0


def test_a_verdict_that_turns_is_drift(quick):
    """The means lie close together, but the interval now contains zero."""
    nightly(quick, "night", "--chapter", "left")
    path = quick / "results" / "history" / "left.jsonl"
    night = json.loads(path.read_text())
    entry = night["claims"]["left.a_beats_b"]
    assert entry["word"] == "holds"
    night["claims"]["left.a_beats_b"] = entry | {"word": "undecided", "error": 1.0}
    path.write_text((json.dumps(night) + "\n") * 5)
    status, said = nightly(quick, "night", "--chapter", "left", "--force")
    assert status == 1 and "the verdict is 'holds', over 5 nights it was 'undecided'" in said


SPOILED = {
    "no record": ("write_record(out, ", "dict("),
    "half a record": ("wall_s=0.1)", "wall_s=0.1).write_text('{{')"),
    "another run's record": ("seed=seed,", "seed=seed + 7,"),
    "no training block": ('"steps": 100 * times', '"steps": "many"'),
    "no such number": ('{{"score": score}}', '{{"points": score}}'),
}


def test_a_bad_record_never_enters_results(quick):
    """Whatever a chapter writes in the place of a record: the run fails or is not judged, the published one stays."""
    nightly(quick, "night", "--chapter", "left")
    before = published(quick)
    for kind, (old, new) in SPOILED.items():
        assert old in BODY
        chapter(quick, "01_left", BODY.replace(old, new))
        status, said = nightly(quick, "night", "--chapter", "left")
        assert status == 1 and ", 0 published" in said, f"{kind}: {said}"
        assert published(quick) == before and len(history(quick, "left")) == 1, kind
    assert "not judged: left.a_beats_b: expected a number at 'test.score'" in said
    chapter(quick, "01_left")
    assert nightly(quick, "night", "--chapter", "left")[0] == 0


def test_a_replay_re_certifies_what_only_looks_changed(quick):
    """Other code with the same losses: the small runs are replayed, the large ones stay. With other losses, all run."""
    claims(quick, "01_left", ("a", "b"), trained=True)
    commit(quick)
    status, said = nightly(quick, "night", "--chapter", "left")
    assert status == 0 and "8 runs planned, 8 made" in said, said  # 2 variants x (2 seeds + one twice as long + smoke)
    before = published(quick)
    module(quick, "left", {"a": 0.1, "unused": 1.0})
    status, said = nightly(quick, "night", "--chapter", "left")
    assert status == 0 and "re-certified: left/a-ministreet" in said and "0 runs planned" in said, said
    assert published(quick) == before and (quick / "results" / "certified" / "left.jsonl").exists()
    assert "6 kept" in nightly(quick, "night", "--chapter", "left")[1]
    module(quick, "left", {"a": 0.1}, loss=1.5)
    status, said = nightly(quick, "night", "--chapter", "left")
    assert status == 0 and "not re-certified: left/a-ministreet: the replay's first losses differ" in said
    assert "8 published" in said and published(quick) != before


SIZES = '\nSIZES = {{"smoke": 1, "laptop": LAPTOP, "gpu": 9}}\n'


@pytest.mark.parametrize("laptop, again, word", [("2", False, "re-certified"), ("3", True, "not re-certified")])
def test_a_replay_at_smoke_does_not_speak_for_other_sizes_at_laptop(quick, laptop, again, word):
    """The module changes, so all is stale; the losses at smoke agree. With another size at laptop all runs are made."""
    claims(quick, "01_left", ("a", "b"), trained=True)
    chapter(quick, "01_left", BODY + SIZES.replace("LAPTOP", "2"))
    commit(quick)
    assert nightly(quick, "night", "--chapter", "left")[0] == 0
    chapter(quick, "01_left", BODY + SIZES.replace("LAPTOP", laptop))
    module(quick, "left", {"a": 0.1, "unused": 1.0})
    status, said = nightly(quick, "night", "--chapter", "left")
    assert status == 0 and f"\n{word}: left/a-ministreet" in "\n" + said, said
    assert ("what laptop chooses has changed since" in said) == again == ("8 published" in said), said


def test_without_the_old_code_nothing_is_re_certified(quick):
    claims(quick, "01_left", ("a", "b"), trained=True)
    assert nightly(quick, "night", "--chapter", "left")[0] == 0
    module(quick, "left", {"a": 0.1, "unused": 1.0})
    status, said = nightly(quick, "night", "--chapter", "left")
    assert status == 0 and "git does not have nbs/01_left.ipynb" in said and "8 published" in said, said


def test_a_broken_chapter_does_not_stop_the_others(quick):
    nightly(quick, "night", "--chapter", "left")
    chapter(quick, "01_left", BODY + "\nthis is no Python")
    status, said = nightly(quick, "night")
    assert status == 1 and "failed: left: SyntaxError" in said and "4 runs planned, 4 made" in said, said
    chapter(quick, "01_left")
    record = quick / "results" / "left" / "a-ministreet-laptop-0.json"
    good = record.read_text()
    for bad in (good[:40], good.replace('"seed": 0', '"seed": 5')):
        record.write_text(bad)
        status, said = nightly(quick, "night")
        assert status == 1 and "failed: left: ValueError" in said and record.name in said and record.read_text() == bad
    record.write_text(good)
    (quick / "results" / "history" / "right.jsonl").write_text("{\n")
    status, said = nightly(quick, "night", "--force")
    assert (
        status == 1 and "failed: right: " in said and "right.jsonl:1" in said and "left" not in said.split("right:")[1]
    )


def test_what_cannot_run_here_says_why(quick):
    claims(quick, "03_later", ("a", "b"))
    text = (quick / "claims" / "right.yml").read_text()
    (quick / "claims" / "right.yml").write_text(text.replace("data: ministreet", "data: elsewhere-jpeg92"))
    (quick / "mmlib" / "data").mkdir()
    (quick / "mmlib" / "data" / "__init__.py").write_text("NAMES = ()\n\n\ndef available(name):\n    return False\n")
    status, said = nightly(quick, "night")
    assert status == 0 and "4 runs planned, 4 made" in said and "8 not attempted" in said, said
    assert "nbs/03_later.ipynb is not written yet" in said and "elsewhere-jpeg92 is not here" in said


def test_one_chapter_is_reproduced_by_any_of_its_names(quick):
    assert "4 runs planned, 4 made" in nightly(quick, "reproduce", "2")[1]
    status, said = nightly(quick, "reproduce", "right", "--variant", "a", "--seed", "1")
    assert status == 0 and "0 runs planned" in said and "1 kept" in said
    status, said = nightly(quick, "reproduce", "nowhere")
    assert status == 1 and "expected one of the chapters" in said


def test_a_chapter_without_claims_is_run_once(quick):
    chapter(quick, "03_plain")
    notebook = quick / "nbs" / "03_plain.ipynb"  # as a reader runs it, with the cells that only show
    notebook.write_text(notebook.read_text().replace("raise SystemError", "print"))
    module(quick, "plain", {})
    status, said = nightly(quick, "reproduce", "3", "--seed", "2")
    assert status == 0 and "ran 03_plain.ipynb" in said, said
    assert list(published(quick)) == ["plain/default-ministreet-laptop-2.json"]


def test_the_report_says_how_long_and_how_much(quick):
    body = BODY.replace('"training": training', '"training": training, "speed": {{"peak_gpu_mib": 321.0}}')
    chapter(quick, "01_left", body)
    nightly(quick, "night", "--chapter", "left")
    report = (quick / "_build" / "night" / "report.html").read_text()
    row = re.search(r"<tr><th[^>]*>left/a-ministreet-laptop-0</th>(.*?)</tr>", report)[1]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row)
    assert cells[0] == "published" and float(cells[1]) >= 0 and float(cells[2]) > 1 and cells[3] == "321"


def test_names_of_runs_are_checked(quick):
    for name in ("left/a-ministreet-laptop", "left/a-ministreet-huge-0", "../a-ministreet-laptop-0"):
        status, said = nightly(quick, "run", name)
        assert status == 1 and "expected a run such as" in said


def test_a_night_on_a_cluster(quick):
    """The generic executor, with a submit command that starts each job's script here as a scheduler would."""
    submit = "bash -c 'nohup $0 >/dev/null 2>&1 & echo $!'"
    cluster = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", submit]
    cluster += ["--seconds-between-status-checks", "1", "--latency-wait", "20"]
    status, said = nightly(quick, "night", "--chapter", "left", "--jobs", "2", *cluster)
    assert status == 0 and "4 runs planned, 4 made, 0 failed, 4 published" in said, said
