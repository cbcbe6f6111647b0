"""The night: what it plans, what it publishes and compares, and that a kill at any moment loses nothing."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from forks import ended, fork
from results_toy import SEEDS, grid, loaded, move_into, notebook, record, text, write

from mmlib import uses
from mmlib.book.reruns import reruns_html
from mmlib.book.script import run_as_script
from mmlib.notebooks import find
from mmlib.results import ROOT, Key, load_claims, night
from mmlib.results.claims import asked
from mmlib.results.fingerprint import code_hashes, state
from mmlib.results.records import dump, load_record, read_records
from mmlib.results.weights import load_weights, save_weights, weights_file

DEFAULTS = 'preset = "laptop"\ndata = "ministreet"\nseed = 0\nvariant = "flow"\npretrained = True\nout = ""'
PARAMETERS = (DEFAULTS, "parameters")
LOOK = ("raise SystemError('a cell to look at')", "look")


# ---------------------------------------------------------------------------------------------------------------------
# The plan


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with the toy's chapter, in which every data set is at hand, and a way to publish current records."""
    move_into(tmp_path, monkeypatch)
    monkeypatch.setattr(night, "at_hand", lambda data: data != "elsewhere")
    source = notebook(tmp_path / "nbs/01_toy.ipynb", PARAMETERS, "x = 1")

    def publish(*keys: Key, **change) -> None:
        for key in keys:
            same = {"data": key.data, "preset": key.preset, "code": code_hashes(source)}
            same["asked"] = asked(key.paper, key.preset, key.variant)
            made = record(key.variant, key.seed, 0.5, **same | change)
            write(tmp_path / "results", {f"{key}.json": dump(made).decode()})

    return SimpleNamespace(folder=tmp_path, results=tmp_path / "results", publish=publish)


def plan(project, **more) -> night.Plan:
    """The plan for the toy, at preset night."""
    return night.make_plan([load_claims("toy")], **{"preset": "night", "results": project.results} | more)


def test_headlines_come_first_then_seed_by_seed_and_longer_runs_last(tmp_path):
    paper = loaded(tmp_path, text(controls=["shuffled"], cells=[]))
    head = paper.directions[0].model_copy(update={"id": "toy.head", "a": "sum", "headline": True, "controls": ()})
    both = paper.model_copy(update={"directions": (*paper.directions, head), "cells": ()})
    short = [f"{key.variant}-{key.seed}" for key in night.wanted([both])]
    pairs = [" ".join(sorted(short[at : at + 2])) for at in (0, 2, 10)]
    assert pairs == ["plain-0 sum-0", "plain-1 sum-1", "plain_x2-0 sum_x2-0"]
    assert short[16:19] == ["flow-0", "shuffled-0", "flow-1"] and short[-2:] == ["flow_x2-2", "shuffled_x2-2"]
    assert len(short) == len(set(short)), "each run once, whoever asks for it"
    later = both.model_copy(update={"key": "late", "directions": (head.model_copy(update={"paper": "late"}),)})
    order = [key.paper for key in night.wanted([paper, later])]
    assert order == ["late"] * 16 + ["toy"] * (len(order) - 16), "a headline of any paper comes first"


def test_only_what_is_missing_or_stale_is_run(project):
    names = plan(project).runs
    assert len(names) == 2 * (SEEDS + 3) and names[0] == "toy/flow-streets-night-0"
    keys = [Key.parse(name) for name in names]
    project.publish(*keys[:4])
    project.publish(keys[4], code={"mmlib/gone.py": "0"})
    write(project.results, {f"{keys[5]}.json": '{"schema": 2, "half', f"{keys[6]}.json": '{"schema": 1}'})
    now = plan(project)
    assert (now.kept, now.runs) == (names[:4], names[4:]), "damaged records and first editions are made again"
    assert plan(project, force=True).runs == names
    assert plan(project, only={"variant": "flow", "seed": 2, "data": None}).kept == []
    assert plan(project, only={"variant": "flow", "seed": 2}).runs == ["toy/flow-streets-night-2"]


def test_what_no_row_asks_for_is_run_if_it_is_named(project):
    loaded(project.folder / "claims", text() | {"trials": {"rate_high": {"rate": 1.0}}})
    assert not any("sum" in name or "rate" in name for name in plan(project).runs)
    for variant in ("sum", "rate_high", "sum_x2"):
        assert plan(project, only={"variant": variant}).runs == [f"toy/{variant}-ministreet-night-0"]
    named = {"variant": "sum", "seed": 4, "data": "msrs-jpeg92"}
    at_hand = night.at_hand("msrs-jpeg92")
    made = plan(project, only=named, preset="smoke")
    assert [*made.runs, *made.skipped] == ["toy/sum-msrs-jpeg92-smoke-4"] and bool(made.runs) == at_hand
    assert plan(project, only={"variant": "flow", "seed": 99}).runs == ["toy/flow-ministreet-night-99"]
    asked = [name.replace("-night-", "-gpu-") for name in plan(project).runs]
    assert plan(project, preset="gpu").runs == asked, "another preset: the runs that rows ask for"
    other = plan(project, preset="gpu", only={"data": "mfnet"})
    assert [*other.runs, *other.skipped] == ["toy/flow-mfnet-gpu-0"], "other data: the paper's own system"


def test_what_cannot_run_here_says_why(project):
    for field, value, word in (("remeasured", "dead nets", "dead nets"), ("chapter", "07_later", "nbs/07_later")):
        loaded(project.folder / "claims", text() | {field: value})
        made = plan(project)
        assert (made.runs, made.kept) == ([], []) and len(made.skipped) == 16
        assert all(word in why for why in made.skipped.values())
    loaded(project.folder / "claims", text(data="elsewhere"))
    assert "elsewhere is not here" in plan(project).skipped["toy/flow-elsewhere-night-0"]


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ({"only": {"variant": "flown"}}, "got none for preset=night, variant=flown; next: try variant: flow"),
        ({"only": {"seed": 77}}, "seed=77; next: try seed: 0"),
        ({"preset": "gpu", "only": {"seed": 77}}, "preset=gpu, seed=77; next: try preset: night; seed: 0"),
        ({"only": {"variant": "flow", "data": "street"}}, "next: try data: streets"),
    ],
)
def test_where_nothing_matches_the_nearest_names_are_said(project, asked, near):
    with pytest.raises(ValueError, match=near):
        plan(project, **asked)
    with pytest.raises(ValueError, match="expected a preset out of"):
        plan(project, preset="huge")


def printed_commands() -> list[str]:
    """Each `make reproduce ...` and `make night ...` that claims and prose print, without those of a toy paper."""
    pages = [*ROOT.glob("claims/*.yml"), *ROOT.glob("book/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    found = set()
    for page in pages:
        found |= set(re.findall(r"make (?:reproduce|night)((?: [A-Z]+=[\w-]+)+)", page.read_text(encoding="utf-8")))
    return sorted(line for line in found if "CHAPTER=12" not in line)


@pytest.mark.parametrize("line", printed_commands())
def test_a_printed_command_finds_runs(line):
    said = dict(word.split("=") for word in line.split())
    only = {name.lower(): said[name] for name in ("DATA", "VARIANT") if name in said}
    if "SEED" in said:
        only["seed"] = int(said["SEED"])
    made = night.make_plan(night.chosen(said.get("CHAPTER")), preset=said.get("PRESET", "night"), only=only)
    assert made.runs or made.kept or made.skipped


@pytest.mark.parametrize("name", ["7", "07", "segmif", "07_segmif", "nbs/07_segmif.ipynb"])
def test_a_chapter_by_any_name(name):
    assert [paper.key for paper in night.chosen(name)] == ["segmif"]
    with pytest.raises(FileNotFoundError, match="expected one of the chapters with claims .*07_segmif"):
        night.chosen("42")
    assert night.at_hand("ministreet") and not night.at_hand("nowhere-jpeg92")


def test_two_notebooks_of_one_number_are_told_apart():
    for name, key in (("08", "tsjnet"), ("8", "tsjnet"), ("08c", "rivals"), ("rivals", "rivals")):
        assert [paper.key for paper in night.chosen(name)] == [key]


@pytest.mark.parametrize("gpus", [0, 1, 3])
def test_runs_are_spread_over_devices_and_stay_there(monkeypatch, gpus):
    listed = "".join(f"GPU {i}: model\n" for i in range(gpus))
    monkeypatch.setattr(night.shutil, "which", lambda name: "found" if gpus else None)
    monkeypatch.setattr(night.subprocess, "run", lambda *a, **k: SimpleNamespace(stdout=listed))
    given = []
    for seed in [*range(40), 0]:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        night._share_device(f"toy/a-b-laptop-{seed}")
        given.append(os.environ.get("CUDA_VISIBLE_DEVICES"))
    assert set(given) == ({"0", "1", "2"} if gpus == 3 else {None}) and given[0] == given[-1]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    night._share_device("toy/a-b-laptop-0")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7", "a scheduler's choice is left alone"


# ---------------------------------------------------------------------------------------------------------------------
# The queue


def test_a_run_that_fails_is_tried_once_more_and_each_run_has_its_line(tmp_path, monkeypatch, capsys):
    """`shaky` fails once, `broken` always; every run takes a minute."""
    monkeypatch.setattr(night, "ROOT", tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    minutes = iter(range(0, 6000, 60))
    monkeypatch.setattr(night.time, "monotonic", lambda: next(minutes))
    calls = []

    def run(words, stdout, env, **_):
        name = words[words.index("run") + 1]
        calls.append(name)
        failed = name == "toy/broken" or calls == ["toy/shaky"]
        stdout.write(f"noise\nmmlib.results: {name} is broken\n" if failed else f"{name}: 1.0 min\n")
        assert env["OMP_NUM_THREADS"] == "1" and words[words.index("--build") + 1] == "there"
        return SimpleNamespace(returncode=int(failed))

    monkeypatch.setattr(night.subprocess, "run", run)
    failed = night.run_queue(["toy/shaky", "toy/good", "toy/broken", "toy/last"], "there", 1)
    assert failed == {"toy/broken": "toy/broken is broken"}
    assert calls == ["toy/shaky", "toy/shaky", "toy/good", "toy/broken", "toy/broken", "toy/last"]
    assert capsys.readouterr().out.splitlines() == [
        "[1/4] toy/shaky: 1.0 min; 3 to go, about 3 min",
        "[2/4] toy/good: 1.0 min; 2 to go, about 2 min",
        "[3/4] FAILED: toy/broken is broken; 1 to go, about 1 min",
        "[4/4] toy/last: 1.0 min; 0 to go, about 0 min",
        "3 runs in 9 min, 1 failed",
    ]
    assert night.run_queue([], "there", 1) == {} and night._hours(3 * 3600 + 240) == "3 h 04 min"


# ---------------------------------------------------------------------------------------------------------------------
# Publishing


class Killed(BaseException):
    """The process ends here: nothing that comes after happens."""


def test_weights_go_first_and_a_kill_between_any_two_files_leaves_whole_ones(tmp_path, monkeypatch):
    name, key, results = "toy/net", Key("toy", "flow", "streets", "night", 0), tmp_path / "results"
    runs = {}
    for run, value in (("old", 1.0), ("new", 2.0)):
        sha256 = save_weights(name, {"a": torch.full((3,), value)}, tmp_path / run)
        values = {"test": {"miou": value}, "weights": {name: sha256}}
        runs[run] = record("flow", 0, value).model_copy(update={"values": values})
        write(tmp_path / run, {f"{key}.json": dump(runs[run]).decode()})
    replace, unlink = os.replace, Path.unlink
    deaths = 0
    for moment in range(12):
        shutil.rmtree(results, ignore_errors=True)
        night.publish(str(key), tmp_path / "old", results)
        countdown = iter(range(moment, -2, -1))

        def mortal(call, countdown=countdown):
            """The call; the process ends when the countdown does, before a call or after it."""

            def called(*args, **kwargs):
                if next(countdown) == 0:
                    raise Killed
                call(*args, **kwargs)
                if next(countdown) == 0:
                    raise Killed

            return called

        monkeypatch.setattr(os, "replace", mortal(replace))
        monkeypatch.setattr(Path, "unlink", mortal(unlink))
        try:
            night.publish(str(key), tmp_path / "new", results)
        except Killed:
            deaths += 1
        monkeypatch.undo()
        there, kept = load_record(key.path(results)), load_weights(name, results)["a"][0]
        assert there in runs.values() and kept in (1.0, 2.0)
        assert there == runs["old"] or kept == 2.0, "a new record without its weights"
        night.publish(str(key), tmp_path / "new", results)
        assert load_record(key.path(results)) == runs["new"]
        assert len(list((results / "weights/toy").glob("*.safetensors"))) == 1
    assert deaths == 8, "before and after three new names and one old file that goes"


def test_bad_weights_are_not_published(tmp_path):
    key = Key("toy", "flow", "streets", "night", 0)
    save_weights("toy/net", {"a": torch.ones(3)}, tmp_path / "out")
    weights_file("toy/net", tmp_path / "out")[0].write_bytes(b"half")
    made = record("flow", 0, 0.5).model_copy(update={"values": {"weights": {"toy/net": "0"}}})
    write(tmp_path / "out", {f"{key}.json": dump(made).decode()})
    with pytest.raises(ValueError, match="expected sha256"):
        night.publish(str(key), tmp_path / "out", tmp_path / "results")
    assert not (tmp_path / "results").exists()


# ---------------------------------------------------------------------------------------------------------------------
# The nightly check

FAMILY = list(grid(flow=[0.50, 0.52, 0.51, 0.49, 0.50]).values())[:SEEDS]
AVX2 = {"instructions": "AVX2", "threads": 2, "precision": "fp32"}
WHERE = "another machine (Toy 9000, AVX2, 2 thread(s), fp32)"


@pytest.mark.parametrize(
    ("score", "machine", "family", "word", "detail"),
    [
        (0.50, {}, FAMILY, "same numbers", ""),
        (0.50, AVX2, FAMILY, "same numbers", WHERE),
        (0.53, {}, FAMILY, "within the spread of seeds", "the furthest is test.miou: 0.53, published 0.5"),
        (0.53, AVX2, FAMILY, "within the spread of seeds", f"{WHERE}, the furthest is test.miou: 0.53, published 0.5"),
        (0.80, {}, FAMILY, "drift", "the furthest is test.miou: 0.8, published 0.5"),
        (0.80, AVX2, FAMILY, "drift", f"{WHERE}, the furthest is test.miou: 0.8, published 0.5"),
        (0.80, {}, FAMILY[:2], "too few seeds to tell", ""),
        (0.51, AVX2, FAMILY[:2], "too few seeds to tell", WHERE),
    ],
)
def test_how_a_rerun_compares(score, machine, family, word, detail):
    again = record("flow", 0, score, machine=machine, versions={"torch": "3"}, wall_s=9.0)
    assert night.compare(FAMILY[0], again, family) == (word, detail)


def test_clocks_weights_and_single_classes_are_not_compared_and_lost_numbers_are_drift():
    base = FAMILY[0]
    more = {"test": base.values["test"] | {"iou": {"car": 0.1}}, "speed": {"s": 1.0}, "weights": {"a": 1}, "time": 2.0}
    first = base.model_copy(update={"values": more})
    other = {"test": base.values["test"] | {"iou": {"car": 0.9}}, "speed": {"s": 9.0}, "weights": {}, "time": 9.0}
    assert night.compare(first, base.model_copy(update={"values": other}), FAMILY)[0] == "same numbers"
    lost = base.model_copy(update={"values": {"test": {"floor": 0.2}}})
    for a, b in ((base, lost), (lost, base)):
        assert night.compare(a, b, FAMILY) == ("drift", "test.miou is measured by one of the two only")


def test_a_rerun_that_is_as_good_as_one_more_seed_is_hardly_ever_drift():
    """Twenty scores each: a machine that rounds otherwise gives another draw, and must not cry wolf every night."""
    random_numbers = np.random.default_rng(0)

    def draw(shift=0.0):
        scores = random_numbers.normal(0.5, 0.02, 20)
        scores[3] += shift
        return FAMILY[0].model_copy(update={"values": {f"s{i}": float(x) for i, x in enumerate(scores)}})

    words = {"alike": [], "moved": []}
    for _ in range(300):
        family = [draw() for _ in range(10)]
        words["alike"].append(night.compare(family[0], draw(), family)[0])
        words["moved"].append(night.compare(family[0], draw(shift=0.4), family)[0])
    assert words["alike"].count("drift") <= 2 and words["moved"].count("drift") > 290


def test_what_never_varies_may_move_by_its_last_digits_only():
    still = list(grid(flow=[0.5] * SEEDS).values())[:SEEDS]
    assert night.compare(still[0], record("flow", 0, 0.5001), still)[0] == "within the spread of seeds"
    assert night.compare(still[0], record("flow", 0, 0.51), still)[0] == "drift"


def test_every_day_other_runs_are_made_again_and_the_same_day_the_same(project):
    wanted = [Key.parse(name) for name in plan(project).runs]
    project.publish(*wanted)
    small = wanted[0]._replace(preset="smoke")
    project.publish(small)
    paper = load_claims("toy")

    def sample(count, day, **more):
        return night.sample([paper], count, day, results=project.results, **more)

    days = [f"2026-12-{day:02d}" for day in range(1, 31)]
    first = sample(3, days[0])
    assert first == sample(3, days[0]) and len(first[0]) == 3 and first[1] == {}
    drawn = {name for day in days for name in sample(3, day)[0]}
    assert drawn == {str(key) for key in (*wanted, small) if not key.variant.endswith("_x2")}, "in a month, all"
    assert sample(3, days[0], preset="smoke")[0] == [str(small)], "first the preset, then the draw"
    assert night.sample([paper.model_copy(update={"remeasured": "dead"})], 3, days[0], results=project.results) == (
        [],
        {},
    )
    project.publish(wanted[0], code={})
    picked, stale = sample(99, days[0])
    assert str(wanted[0]) not in picked and list(stale) == [str(wanted[0])] and "01_toy.ipynb" in stale[str(wanted[0])]


def test_a_history_has_one_line_a_day_and_keeps_the_old_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(night, "RESULTS", tmp_path)
    write(tmp_path, {"history/toy.jsonl": '{"made": "of the first edition"}\n'})
    for day, stale in (("1", 0), ("2", 1), ("2", 5)):
        night._remember("toy", {"day": day, "stale": stale})
    lines = [json.loads(line) for line in (tmp_path / "history/toy.jsonl").read_text().splitlines()]
    assert [line.get("day") for line in lines] == [None, "1", "2"] and lines[-1]["stale"] == 5


def test_the_page_shows_the_latest_reruns_with_what_moved(tmp_path):
    assert "No published run" in reruns_html(tmp_path)
    machine = {"instructions": "AVX2", "precision": "fp32", "threads": 2}
    entry = {"run": "toy/a-ministreet-night-0", "word": "drift", "machine": machine}
    new = entry | {"word": "within the spread of seeds", "scores": {"x": [0.5, 0.6], "y": [0.4, 0.4]}}
    days = [{"day": "2026-11-29", "compared": [entry]}, {"day": "2026-11-30", "compared": [new]}]
    write(tmp_path, {"toy.jsonl": "\n".join(json.dumps(day) for day in [*days, {"day": "2026-12-01", "stale": 3}])})
    text = reruns_html(tmp_path)
    assert text.index("2026-11-30") < text.index("2026-11-29"), "the latest first"
    assert "AVX2, fp32, threads: 2" in text and "0.1000" in text and "0.0000" not in text


# ---------------------------------------------------------------------------------------------------------------------
# Whole nights, on a small book of its own

# A chapter's cells: something to look at, which the night must leave out, and a run of some steps with checkpoints.
BODY = """
import json, time
from pathlib import Path
from mmlib.files import replace_file
from mmlib.results import checkpoint_folder, records, settings, write_record

machine = {"device": "CPU", "cpu": "Toy 9000", "instructions": "none", "threads": 1, "precision": "fp32"}
records.machine = lambda precision=None: records.Machine(**machine)  # without PyTorch: a hundred times as fast
run = settings("toy", preset, variant, {"steps": 5, "gain": 0.0})
file = Path(checkpoint_folder()) / "at.json"
at = json.loads(file.read_text()) if file.is_file() else {"step": 0, "x": seed}
while at["step"] < run.steps:
    at = {"step": at["step"] + 1, "x": (at["x"] * 31 + 7) % 1009}
    replace_file(file, json.dumps(at).encode())
    time.sleep(0.02)
write_record(out, notebook="nbs/01_toy.ipynb", paper="toy", data=data, data_fingerprint="f", preset=preset, seed=seed,
             variant=variant, values={"test": {"miou": run.gain + at["x"] / 1e4}, "course": "x" * 20_000}, wall_s=0.1)
"""

# Runs a chapter's cells in the process of the run, without a kernel.
QUICK = '''

import json


def execute(notebook, output, *, preset, parameters):
    """Run the cells."""
    names = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        exec("".join(cell["source"]), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= {"preset": preset, **parameters}
'''
# In the place of nice: at low priority and beside other tests, every run would take several times as long.
NICE = """#!/bin/sh
[ "$1 $2" = "-n 19" ] || exit 1
shift 2
exec "$@"
"""
GRID = {f"toy/flow-ministreet-night-{seed}" for seed in range(4)}


@pytest.fixture
def book(tmp_path):
    """A book of one chapter, whose claims ask for four runs, on the project's real machinery."""
    for name in ("book", "results"):
        shutil.copytree(ROOT / "mmlib" / name, tmp_path / "mmlib" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "files.py", "notebooks.py", "uses.py"):
        shutil.copy(ROOT / "mmlib" / name, tmp_path / "mmlib" / name)
    content = text() | {"directions": [], "variants": {"flow": {"gain": 0.25}, "slow": {"steps": 100}}}
    content["tables"][0]["rows"][1]["measure"] |= {"data": "ministreet", "seeds": 4}
    write(tmp_path, {"claims/toy.yml": yaml.safe_dump(content)})
    notebook(tmp_path / "nbs/01_toy.ipynb", PARAMETERS, LOOK, BODY)
    return tmp_path


@pytest.fixture
def quick(book):
    """The same book, whose chapter runs without a kernel, and whose runs don't wait for the tests beside this one."""
    write(book, {"mmlib/notebooks.py": (ROOT / "mmlib/notebooks.py").read_text() + QUICK, "bin/nice": NICE})
    (book / "bin" / "nice").chmod(0o755)
    return book


def command(folder: Path, *words: str, **options) -> subprocess.Popen:
    """A command of the night, started."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen([sys.executable, "-m", "mmlib.results", *words], cwd=folder, env=environment, **options)


def finished(folder: Path, *words: str) -> tuple[int, str]:
    """A command of the night, run to its end: exit status and what it printed."""
    running = command(folder, *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, _ = running.communicate(timeout=300)
    return running.returncode, said


def published(folder: Path) -> dict[str, bytes]:
    """Every published file that somebody may read."""
    files = [path for path in (folder / "results").rglob("*") if path.is_file() and path.suffix != ".part"]
    return {path.relative_to(folder / "results").as_posix(): path.read_bytes() for path in files}


def numbers(files: dict[str, bytes]) -> dict[str, dict]:
    """What all records say, but for clocks."""
    clocks = ("made", "wall_s", "cpu_s", "peak_memory_mib")
    read = {name: json.loads(content) for name, content in files.items() if name.startswith("toy/")}
    return {name: {key: value for key, value in one.items() if key not in clocks} for name, one in read.items()}


def kills(folder: Path, *words: str, longest: float, check) -> None:
    """Start a command twenty times and kill it: its whole group, or in turn it alone.

    The moments are spread evenly over the command's time, ten for each way to kill, and come in a random order.
    """
    shares = [0.1 + 0.7 * turn / 19 for turn in range(20)]
    turns = [(share, bool(turn % 2)) for turn, share in enumerate(shares)]
    random.Random(0).shuffle(turns)
    for share, whole_group in turns:
        running = command(folder, *words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(share * longest)
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL) if whole_group else running.kill()
        running.wait()
        check()


@pytest.mark.slow
def test_a_killed_run_goes_on_from_its_last_step(book):
    """With a kernel, as in earnest; it ends when the process that started it is gone."""
    name = "toy/slow-ministreet-night-1"
    running = command(book, "run", name, start_new_session=True)
    steps = []
    while running.poll() is None and not steps:
        time.sleep(0.1)
        steps = list(book.rglob("at.json"))
    os.killpg(running.pid, signal.SIGKILL)
    time.sleep(1.5)
    step = json.loads(steps[0].read_text())["step"]
    time.sleep(1.0)
    assert 0 < step < 100 and json.loads(steps[0].read_text())["step"] == step, "the kernel lives on"
    x = 5  # another number than it had, by which to see that it went on from here
    steps[0].write_text(json.dumps({"step": step, "x": x}))
    status, said = finished(book, "run", name)
    assert status == 0 and said.endswith(f"{name}: 0.0 min\n"), said
    for _ in range(100 - step):
        x = (x * 31 + 7) % 1009
    assert load_record(book / f"results/{name}.json").values["test"]["miou"] == x / 1e4
    assert json.loads(steps[0].read_text())["step"] == 100, "kept for the run of twice the steps"


def test_the_run_of_twice_the_steps_goes_on_where_the_other_one_ended(quick):
    name, longer = "toy/slow-ministreet-night-1", "toy/slow_x2-ministreet-night-1"
    assert finished(quick, "run", name)[0] == 0
    (kept,) = quick.rglob("at.json")
    assert json.loads(kept.read_text())["step"] == 100
    kept.write_text(json.dumps({"step": 100, "x": 5}))  # another number than it had, by which to see that it went on
    assert finished(quick, "run", longer)[0] == 0
    x = 5
    for _ in range(100):
        x = (x * 31 + 7) % 1009
    assert load_record(quick / f"results/{longer}.json").values["test"]["miou"] == x / 1e4
    assert not list(quick.rglob("at.json")), "a checkpoint is kept no longer than it is needed"


def test_a_rerun_starts_anew_and_says_what_came_out_again(quick):
    name = "toy/slow-ministreet-night-1"
    assert finished(quick, "run", name)[0] == 0
    (kept,) = quick.rglob("at.json")
    kept.write_text(json.dumps({"step": 100, "x": 5}))  # if the rerun went on from here, another score would come out
    before = published(quick)
    status, said = finished(quick, "rerun", name)
    assert status == 0 and said.endswith(f"{name}: same numbers\n"), said
    score = load_record(quick / f"results/{name}.json").values["test"]["miou"]
    assert f"published {score:.6g}, again {score:.6g}" in said
    assert published(quick) == before and json.loads(kept.read_text())["x"] == 5
    assert len(list(quick.rglob("at.json"))) == 1, "the next rerun by hand starts anew, too"
    status, said = finished(quick, "rerun", "toy/slow-ministreet-night-7")
    assert status == 1 and f"expected a published run, got toy/slow-ministreet-night-7; next: try {name}" in said


@pytest.mark.slow
def test_a_night_killed_at_any_moment(quick):
    began = time.monotonic()
    status, said = finished(quick, "night", "--jobs", "2")
    took = time.monotonic() - began
    assert status == 0 and "4 runs to make, 2 at a time; 0 are current" in said and "4 runs in 0 min, 0 failed" in said
    undisturbed = numbers(published(quick))
    assert undisturbed.keys() == {f"{name}.json" for name in GRID}
    assert undisturbed["toy/flow-ministreet-night-3.json"]["values"]["test"]["miou"] > 0.25
    for name in ("results", "_build"):
        shutil.rmtree(quick / name)
    seen: dict[str, bytes] = {}

    def check():
        now = published(quick)
        assert seen.items() <= now.items(), "what was published is lost, or was made twice"
        assert numbers(now).items() <= undisturbed.items(), "half a record, or another one"
        seen.update(now)
        if len(seen) == len(GRID):  # all are made: forget them, so that each kill meets a night at work
            finished(quick, "night")
            for name in ("results", "_build"):
                shutil.rmtree(quick / name)
            seen.clear()

    kills(quick, "night", "--jobs", "2", longest=took, check=check)
    status, said = finished(quick, "night", "--jobs", "2")
    assert status == 0 and numbers(published(quick)) == undisturbed, said
    assert "0 runs to make, 2 at a time; 4 are current" in finished(quick, "night", "--jobs", "2")[1]


@pytest.mark.slow
def test_a_nightly_check_killed_at_any_moment(quick):
    words = ("nightly", "--jobs", "2", "--count", "4", "--day", "2026-12-01")
    assert finished(quick, "night")[0] == 0
    records = published(quick)
    began = time.monotonic()
    status, said = finished(quick, *words)
    took = time.monotonic() - began
    assert status == 0 and said.count(": same numbers; ") == 4, said

    def history() -> list[dict]:
        lines = published(quick)["history/toy.jsonl"].decode().splitlines()
        return [json.loads(line) for line in lines]

    def told(line: dict) -> list:
        return [line["day"], line["stale"], sorted((one["run"], one["word"]) for one in line["compared"])]

    undisturbed = told(history()[0])
    assert undisturbed == ["2026-12-01", 0, sorted((name, "same numbers") for name in GRID)]
    (quick / "results/history/toy.jsonl").unlink()

    def check():
        now = published(quick)
        assert records.items() <= now.items(), "a published record was touched"
        if "history/toy.jsonl" in now:
            assert [told(line) for line in history()] == [undisturbed]
            (quick / "results/history/toy.jsonl").unlink()

    for name in list(GRID)[:3]:  # what a killed night has compared is not made again
        entry = {"run": name, "word": "same numbers"}
        write(quick, {f"_build/night/compared/2026-12-01/{name}.json": json.dumps(entry)})
    assert "[1/1] " in finished(quick, *words)[1]
    check()
    kills(quick, *words, longest=took, check=check)
    status, said = finished(quick, *words)
    assert status == 0 and [told(line) for line in history()] == [undisturbed], said
    assert published(quick).keys() == {*records, "history/toy.jsonl"}


@pytest.mark.slow
def test_a_night_that_goes_wrong_publishes_nothing(quick):
    assert finished(quick, "night", "--seed", "1")[1].startswith("1 runs to make")
    before = published(quick)
    claims = (quick / "claims/toy.yml").read_text()
    write(quick, {"mmlib/gain.py": "x = 1\n"})
    for file, content in (("mmlib/gain.py", "x = 2\n"), ("claims/toy.yml", claims.replace("gain: 0.25", "gain: 0.5"))):
        meddle = (
            f"from mmlib import gain\nfrom pathlib import Path\nPath({str(quick / file)!r}).write_text({content!r})"
        )
        notebook(quick / "nbs/01_toy.ipynb", PARAMETERS, BODY, meddle + BODY)
        status, said = finished(quick, "run", "toy/flow-ministreet-night-1")
        assert status == 1 and f"{file} was changed while the run was made" in said, said
    write(quick, {"claims/toy.yml": claims})
    notebook(quick / "nbs/01_toy.ipynb", PARAMETERS, BODY.replace("seed=seed,", "seed=seed + 7,"))
    status, said = finished(quick, "night", "--jobs", "2")
    assert status == 1 and "FAILED: expected a record at" in said and "4 failed" in said, said
    status, said = finished(quick, "nightly")
    assert status == 0 and "stale: toy/flow-ministreet-night-1: changed since" in said and "next: make night" in said
    status, said = finished(quick, "run", "toy/flow-ministreet-huge-1")
    assert status == 1 and "mmlib.results: expected a run such as" in said
    assert before.items() <= published(quick).items() and numbers(published(quick)) == numbers(before)


def test_a_forked_run_has_read_nothing_of_what_other_tests_read(monkeypatch):
    monkeypatch.setitem(uses.READERS, "toy", "mmlib.data.toy")
    monkeypatch.setitem(uses.WEIGHTS, "toy", "0" * 64)

    def empty() -> None:
        assert not uses.READERS and not uses.WEIGHTS

    assert ended(fork(empty)) == 0
    assert "toy" in uses.READERS


@pytest.mark.slow
def test_a_strangers_machine_is_neither_stale_nor_drift(tmp_path):
    """Chapter 5 at smoke: three seeds here, and the first once more with other instructions and other threads."""

    def here() -> None:
        for seed in range(3):
            run_as_script(find("05_training"), {**settings, "seed": seed, "out": str(tmp_path / "here")})

    settings = {"preset": "smoke", "pretrained": False}
    assert ended(fork(here, MMLIB_STATIC="1", OMP_NUM_THREADS="1")) == 0
    stranger = {
        "MMLIB_STATIC": "1",
        "ATEN_CPU_CAPABILITY": "avx2",
        "OMP_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    words = ["-m", "mmlib.book.script", "05", "--preset", "smoke", "-p", "pretrained", "False"]
    words = [sys.executable, *words, "-p", "out", str(tmp_path / "there")]
    subprocess.run(words, cwd=ROOT, env=os.environ | stranger, check=True, capture_output=True)
    published = read_records("training", tmp_path / "here")
    ((key, again),) = read_records("training", tmp_path / "there").items()
    assert again.machine.threads == 2 and again.machine.instructions == "AVX2"
    assert state(again).word == state(published[key]).word == "current"
    word, detail = night.compare(published[key], again, published.values())
    assert word in ("same numbers", "within the spread of seeds"), f"{word}: {detail}"
    assert detail.startswith(f"another machine ({again.machine.cpu}, AVX2, 2 thread(s), ")
