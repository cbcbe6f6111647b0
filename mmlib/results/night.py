"""The night: run what the claims ask for and no current record answers, headlines first, and publish each at once.

    make night                 the preset `night`, all papers, one run per processor, at low priority
    make nightly               a few published runs again: same numbers, another machine, or drift?
    make reproduce CHAPTER=05  one chapter at one preset

A night can be killed at any moment and started again, here or, from what is committed, on another machine: a run's
record and weights are published together when it ends, each file whole, and a run that was cut off goes on from its
last checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from mmlib.files import ROOT, locked, replace_file
from mmlib.notebooks import check_preset
from mmlib.results.claims import Paper, asked, load_claims, paper_keys
from mmlib.results.evidence import DOUBLED_SEEDS, Direction, keys_of, two_sided_p
from mmlib.results.fingerprint import CURRENT, code_hashes, state
from mmlib.results.records import Key, Record, load_record, read_records, split_variant
from mmlib.results.tables import _numbers
from mmlib.results.weights import load_weights, weights_file

RESULTS = ROOT / "results"
SHOWN_ONLY = {"look", "exercise", "solution", "colab"}
RERUN = 3
"""How many published runs of each paper `make nightly` makes again."""

TRIES = 2
"""How often a run that fails is tried."""

ALARM = 1e-3
"""How often a rerun that is as good as one more seed may be reported as drift."""


# ---------------------------------------------------------------------------------------------------------------------
# The plan


@dataclass
class Plan:
    """`runs`: names of runs to make, in order. `kept`: current ones. `skipped`: why others cannot be made here."""

    runs: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def chosen(chapter: str | None = None) -> list[Paper]:
    """The papers of all claims files, or the one that a chapter's number, name or key means.

    Raises:
        FileNotFoundError: no claims file answers to that name.
    """
    papers = [load_claims(key) for key in paper_keys()]
    if not chapter:
        return papers
    word = Path(chapter).stem
    names = {}
    for paper in papers:
        number, title = paper.chapter.split("_", 1)
        names[paper.key] = (paper.key, paper.chapter, title, number.lstrip("0"))
    hits = [paper for paper in papers if word in names[paper.key] or word.lstrip("0") in names[paper.key]]
    if len(hits) != 1:
        known = [paper.chapter for paper in papers]
        every_name = [name for some in names.values() for name in some]
        near = " or ".join(get_close_matches(word, every_name, n=3, cutoff=0.5) or known[:1])
        raise FileNotFoundError(
            f"expected one of the chapters with claims {', '.join(known)}; got {chapter!r}; next: try {near}"
        )
    return hits


def wanted(papers: Iterable[Paper]) -> list[Key]:
    """All runs that the papers' rows ask for, each once: headline claims first, then seed by seed, doubled ones last.

    Seed by seed, so that a night that is cut off leaves pairs and not a single arm.
    """
    order: dict[Key, tuple] = {}
    for row in [row for paper in papers for row in (*paper.directions, *paper.cells)]:
        for key in keys_of(row):
            headline = isinstance(row, Direction) and row.headline
            rank = (not headline, split_variant(key.variant)[1], key.seed)
            order[key] = min(order.get(key, rank), rank)
    return sorted(order, key=lambda key: order[key])


def at_hand(data: str) -> bool:
    """Whether a data variant such as "msrs-jpeg92" can be read here."""
    if data == "ministreet":
        return True
    from mmlib.data import NAMES, available

    name = data.split("-")[0]
    return name in NAMES and available(name)


def is_current(key: Key, results: Path = RESULTS) -> bool:
    """Whether a run's published record is there, whole, and still stands. A damaged one is made again."""
    try:
        return state(load_record(key.path(results)), results).word == CURRENT
    except (FileNotFoundError, ValueError):
        return False


def make_plan(
    papers: Iterable[Paper],
    *,
    preset: str,
    only: Mapping[str, Any] | None = None,
    force: bool = False,
    results: Path = RESULTS,
) -> Plan:
    """What is to be run at one preset.

    Args:
        papers: from :func:`chosen`.
        only: restrict to some `data`, `variant` or `seed`. What no row asks for is planned if it is named here: a
            variant or trial (its seed 0 on MiniStreet, unless others are named), or a data set (the paper's system).
        force: plan what is current, too.

    Raises:
        ValueError: nothing answers to `preset` and `only`; the message has the nearest names.
    """
    check_preset(preset)
    only = {name: value for name, value in (only or {}).items() if value is not None}
    of = {paper.key: paper for paper in papers}
    plan, known = Plan(), wanted(of.values())
    asked_for = [key for key in known if key.preset == preset and _fits(key, only)]
    for key in asked_for or _by_name(list(of.values()), preset, only, known):
        paper = of[key.paper]
        if paper.remeasured:
            plan.skipped[str(key)] = paper.remeasured
        elif not paper.notebook.is_file():
            plan.skipped[str(key)] = f"nbs/{paper.chapter}.ipynb is not written yet"
        elif not at_hand(key.data):
            plan.skipped[str(key)] = f"the data set {key.data} is not here; next: book/datasets.md says how to get it"
        elif not force and is_current(key, results):
            plan.kept.append(str(key))
        else:
            plan.runs.append(str(key))
    if not (plan.runs or plan.kept or plan.skipped) and (only or known):
        raise ValueError(_nothing(preset, only, known))
    return plan


def _fits(key: Key, only: Mapping[str, Any]) -> bool:
    return all(getattr(key, name) == value for name, value in only.items())


def _by_name(papers: list[Paper], preset: str, only: Mapping[str, Any], known: list[Key]) -> list[Key]:
    """What no row asks for like this, but `only` or the preset names it.

    A named variant: its seed 0 on MiniStreet, unless others are named. No variant: at another preset, the runs that
    rows ask for; on data that no row asks for, the paper's own system.
    """
    from mmlib.data import NAMES

    data, seed = only.get("data"), only.get("seed", 0)
    if data is not None and data.split("-")[0] not in ("ministreet", *NAMES):
        return []
    if variant := only.get("variant"):
        name, _ = split_variant(variant)
        found = [paper for paper in papers if name in paper.variants or name in paper.trials]
        return [Key(paper.key, variant, data or "ministreet", preset, seed) for paper in found]
    if all(key.preset != preset for key in known):
        moved = [key._replace(preset=preset) for key in known if _fits(key, only)]
        if moved:
            return list(dict.fromkeys(moved))
    if data is None:
        return []
    return [Key(paper.key, next(iter(paper.variants)), data, preset, seed) for paper in papers if paper.variants]


def _nothing(preset: str, only: Mapping[str, Any], known: list[Key]) -> str:
    asked = {"preset": preset, **only}
    near = []
    for name, value in asked.items():
        options = list(dict.fromkeys(str(getattr(key, name)) for key in known))
        if str(value) not in options:
            close = get_close_matches(str(value), options, n=3, cutoff=0.4) or options[:6]
            near.append(f"{name}: {', '.join(close)}")
    told = ", ".join(f"{name}={value}" for name, value in asked.items())
    return f"expected runs that the claims ask for, got none for {told}; next: try {'; '.join(near) or 'fewer limits'}"


# ---------------------------------------------------------------------------------------------------------------------
# One run


def without_looks(notebook: Path, output: Path) -> Path:
    """Write the notebook as the grid runs it: without the cells that only show something."""
    found = json.loads(notebook.read_text(encoding="utf-8"))
    found["cells"] = [cell for cell in found["cells"] if not SHOWN_ONLY & set(cell["metadata"].get("tags", []))]
    replace_file(output, json.dumps(found).encode())
    return output


def _share_device(name: str) -> None:
    """Spread runs over the GPUs of this machine, always the same run on the same one; several share each."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") or shutil.which("nvidia-smi") is None:
        return
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout.splitlines()
    if len(listed) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(zlib.crc32(name.encode()) % len(listed))


def _lower_priority(seconds: float = 60.0) -> None:
    """Make the kernels that this process starts give way to everybody else, as `nice` alone does not.

    Linux shares time between sessions first ("autogroup"), and a Jupyter kernel is a session of its own: its niceness
    would only count inside of it.
    """
    import psutil

    done: set[int] = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for child in psutil.Process().children(recursive=True):
            if child.pid not in done:
                done.add(child.pid)
                with suppress(OSError):
                    Path(f"/proc/{child.pid}/autogroup").write_text("19")
        time.sleep(0.5)


def make_run(name: str, build: Path | str, out: Path, kept: Path | None = None) -> Path:
    """Execute a chapter for one run, in this process' kernel, into `out`; return its checked record's path.

    kept: the folder of the checkpoints that a killed run goes on from; default: the night's.

    Raises:
        RuntimeError: a cell failed, or the code was changed meanwhile.
        ValueError: the record is damaged, or another run's; it is set aside as *.bad.
    """
    from mmlib.notebooks import execute

    key, build = Key.parse(name), (ROOT / build).resolve()
    notebook = load_claims(key.paper).notebook
    if not notebook.is_file():
        raise FileNotFoundError(f"expected the chapter of {key.paper}, there is none; next: write it")
    path = key.path(out)
    path.unlink(missing_ok=True)
    _share_device(name)
    readers = [f"mmlib.data.{file.stem}" for file in (ROOT / "mmlib" / "data").glob("*.py")]
    code, words = code_hashes(notebook, readers=readers), asked(key.paper, key.preset, key.variant)
    # Here the training loop keeps its checkpoints; see `records.checkpoint_folder`. What other code made, or the same
    # code with other settings, has no business in them. No reader of a real set has a part in learning from MiniStreet.
    learning = code_hashes(notebook) if key.data == "ministreet" else code
    digest = hashlib.sha256(json.dumps([learning, words], sort_keys=True).encode()).hexdigest()[:12]
    kept = kept or build / "night" / "checkpoints"
    checkpoints = kept / f"{name}-{digest}"
    os.environ["MMLIB_CHECKPOINT"] = str(checkpoints)
    variant, factor = split_variant(key.variant)
    half = kept / f"{key._replace(variant=variant)}-{digest}"
    if factor == 2 and half.exists() and not checkpoints.exists():
        shutil.copytree(half, checkpoints)  # the run of twice the steps goes on where the other one ended
    threading.Thread(target=_lower_priority, daemon=True).start()
    slim = without_looks(notebook, build / "night" / "nbs" / f"{name}.in.ipynb")
    same = {"data": key.data, "seed": key.seed, "variant": key.variant, "pretrained": False, "out": str(out)}
    execute(slim, build / "night" / "nbs" / f"{name}.ipynb", preset=key.preset, parameters=same)
    try:
        record = load_record(path)
        if record.key != key:
            raise ValueError(f"{path}: expected the record of {key}, got that of {record.key}")
    except ValueError:
        path.replace(path.with_suffix(".bad"))
        raise
    # A record hashes the code when the run ends; what was imported when it began must have been the same.
    if changed := [file for file, digest in record.code.items() if code.get(file) != digest]:
        raise RuntimeError(f"{changed[0]} was changed while the run was made; next: run it again")
    if record.asked != words:
        raise RuntimeError(f"claims/{key.paper}.yml was changed while the run was made; next: run it again")
    if factor == 2 or key.seed >= DOUBLED_SEEDS:
        shutil.rmtree(checkpoints, ignore_errors=True)
        shutil.rmtree(half, ignore_errors=True)
    return path


def publish(name: str, out: Path, results: Path = RESULTS) -> None:
    """Copy a run's record and the weights it names into `results`, each file whole.

    Weights go first: a record never names weights that are not there.
    """
    key = Key.parse(name)
    record = load_record(key.path(out))
    for weights in record.values.get("weights", {}):
        load_weights(weights, out)  # checks them
        file, sha256 = weights_file(weights, out)
        folder = results / "weights" / weights.split("/")[0]
        replace_file(folder / file.name, file.read_bytes())
        replace_file(folder / f"{weights.split('/')[1]}.sha256", f"{sha256}  {file.name}\n".encode())
        stem = file.name[: -len("-0123456789ab.safetensors")]
        for old in folder.glob(f"{stem}-{'[0-9a-f]' * 12}.safetensors"):
            if old.name != file.name:
                old.unlink()
    replace_file(key.path(results), key.path(out).read_bytes())


def run_one(name: str, build: Path | str, results: Path = RESULTS) -> str:
    """Make and publish one run, unless somebody has meanwhile; return a line about it.

    Two nights, or a night and an orphan of one that was killed, never make the same run twice: one waits.
    """
    key = Key.parse(name)
    folder = (ROOT / build).resolve() / "night"
    with locked(folder / "locks" / f"{name.replace('/', '-')}.lock"):
        if is_current(key, results) and not os.environ.get("MMLIB_FORCE"):
            return "made by another night"
        out = folder / "out" / name.replace("/", "-")
        made = make_run(name, build, out)
        seconds = load_record(made).wall_s
        publish(name, out, results)
        shutil.rmtree(out, ignore_errors=True)
    return f"{seconds / 60:.1f} min"


# ---------------------------------------------------------------------------------------------------------------------
# The queue


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def why_failed(name: str, build: Path) -> str:
    """The last line that a failed run left in its log."""
    log = build / "night" / "log" / f"{name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    said = [line.strip() for line in lines if line.strip()]
    told = [line for line in said if line.startswith("mmlib.results:")]
    return (told or said or ["it left no word"])[-1].removeprefix("mmlib.results: ")


def run_queue(runs: list[str], build: str, jobs: int, command: Sequence[str] = ("run",)) -> dict[str, str]:
    """Make runs, `jobs` at a time, in order, each in a process of its own at low priority; {name: why} of the failed.

    Prints a line for each finished run, with the time still to go.
    """
    folder = ROOT / build
    failed: dict[str, str] = {}
    took: list[float] = []
    began, lock = time.monotonic(), threading.Lock()

    def one(name: str) -> None:
        log = folder / "night" / "log" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "mmlib.results", *command, name, "--build", build]
        words = [*(["nice", "-n", "19"] if shutil.which("nice") else []), *words]
        # One thread per run: two threads on a busy machine wait for each other and cost several times the time.
        environment = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        started = time.monotonic()
        for _ in range(TRIES):
            with open(log, "w", encoding="utf-8") as file:
                status = subprocess.run(words, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, env=environment)
            if status.returncode == 0:
                break
        with lock:
            took.append(time.monotonic() - started)
            if status.returncode:
                failed[name] = why_failed(name, folder)
            left = len(runs) - len(took)
            to_go = median(took) * left / jobs
            said = f"FAILED: {failed[name]}" if name in failed else why_failed(name, folder)
            print(f"[{len(took)}/{len(runs)}] {said}; {left} to go, about {_hours(to_go)}", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, runs))
    if runs:
        print(f"{len(runs) - len(failed)} runs in {_hours(time.monotonic() - began)}, {len(failed)} failed", flush=True)
    return failed


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def night(
    *,
    preset: str = "night",
    build: str = "_build",
    chapter: str | None = None,
    only: Mapping[str, Any] | None = None,
    force: bool = False,
    jobs: int | None = None,
) -> int:
    """Run what is missing or stale, headline runs first; the exit status is 0 if nothing failed."""
    plan = make_plan(chosen(chapter), preset=preset, only=only, force=force)
    replace_file(ROOT / build / "night" / "plan.json", json.dumps(asdict(plan), indent=1).encode() + b"\n")
    jobs = jobs or cores()
    print(f"{len(plan.runs)} runs to make, {jobs} at a time; {len(plan.kept)} are current", flush=True)
    for reason in sorted(set(plan.skipped.values())):
        count = sum(why == reason for why in plan.skipped.values())
        print(f"not attempted: {count} runs: {reason}", flush=True)
    if force:
        os.environ["MMLIB_FORCE"] = "1"
    failed = run_queue(plan.runs, build, jobs)
    return 1 if failed else 0


# ---------------------------------------------------------------------------------------------------------------------
# The nightly check


NEVER_ALIKE = ("speed", "weights", "time")
SAME, WITHIN, DRIFT, TOO_FEW = "same numbers", "within the spread of seeds", "drift", "too few seeds to tell"


def compare(published: Record, again: Record, family: Iterable[Record]) -> tuple[str, str]:
    """How a rerun compares with the published record: (word, detail).

    "same numbers", "within the spread of seeds", "drift", or "too few seeds to tell". The detail begins with "another
    machine" where the two were made on different hardware, threads or precision. `family`: the published runs of the
    same variant, of all seeds. The rerun has drifted if it cannot be one more of them: some score lies where fewer than
    one in 1 / ALARM runs would have any.
    """
    where = ""
    if published.machine != again.machine:
        new = again.machine
        where = f"another machine ({new.cpu}, {new.instructions}, {new.threads} thread(s), {new.precision})"
    then, now = dict(_scores(published)), dict(_scores(again))
    if then == now:
        return SAME, where
    if lost := sorted(then.keys() ^ now.keys()):
        return DRIFT, f"{lost[0]} is measured by one of the two only"
    everyone = [dict(_scores(record)) for record in family]
    chances = {}
    for metric, value in now.items():
        seeds = [one[metric] for one in everyone if metric in one]
        if len(seeds) >= 3 and value != then[metric]:
            spread = max(stdev(seeds), 1e-3 * abs(value), 1e-9)
            t = (value - fmean(seeds)) / (spread * math.sqrt(1 + 1 / len(seeds)))
            chances[metric] = two_sided_p(t, len(seeds) - 1) * len(now)
    if not chances:
        return TOO_FEW, where
    name = min(chances, key=lambda metric: chances[metric])
    told = f"the furthest is {name}: {now[name]:.4g}, published {then[name]:.4g}"
    return DRIFT if chances[name] < ALARM else WITHIN, f"{where}, {told}" if where else told


def _scores(record: Record) -> Iterable[tuple[str, float]]:
    """What a run measured, without clocks and hashes. The main scores only: single classes of few pixels jump."""
    for name, value in _numbers(record.values):
        if not set(name.split(".")) & set(NEVER_ALIKE) and name.count(".") <= 1:
            yield name, value


def sample(
    papers: Iterable[Paper], count: int, day: str, *, preset: str | None = None, results: Path = RESULTS
) -> tuple[list[str], dict[str, str]]:
    """The published runs that a night makes again, other ones every day; and {name: why} of those that are stale."""
    picked, stale = [], {}
    for paper in papers:
        if paper.remeasured:
            continue
        current = []
        for key, record in read_records(paper.key, results).items():
            if preset not in (None, key.preset):
                continue
            now = state(record, results)
            if now.word != CURRENT:
                stale[str(key)] = now.reason
            elif at_hand(key.data) and split_variant(key.variant)[1] == 1:
                current.append(str(key))
        # A hash of day and name draws without a state that somebody would have to keep.
        current.sort(key=lambda name: zlib.crc32(f"{day} {name}".encode()))
        picked += current[:count]
    return picked, stale


def rerun_one(name: str, build: Path | str, day: str = "", results: Path = RESULTS) -> str:
    """Make a published run again, beside it; print the main scores of both, and say how the two compare.

    day: of the night whose sample the run belongs to; that night reads the comparison. Empty: somebody asked by hand.
    """
    key = Key.parse(name)
    folder = (ROOT / build).resolve() / "night"
    published = read_records(key.paper, results)
    if key not in published:
        near = get_close_matches(name, map(str, published), n=3, cutoff=0.0)
        raise ValueError(f"expected a published run, got {name}; next: try {' or '.join(near) or 'another paper'}")
    with locked(folder / "locks" / f"{name.replace('/', '-')}.lock"):
        # From its first step on: what the night has kept of this run must not answer for it.
        again = load_record(make_run(name, build, folder / "again", again_folder(folder, day)))
        family = [record for other, record in published.items() if other._replace(seed=key.seed) == key]
        word, detail = compare(published[key], again, family)
        then = dict(_scores(published[key]))
        scores = {metric: [then[metric], now] for metric, now in _scores(again) if metric in then}
        for metric, (before, now) in scores.items():
            print(f"{metric:30} published {before:.6g}, again {now:.6g}")
        entry = {"run": name, "word": word, "detail": detail, "scores": scores}
        entry |= {"made": again.made, "machine": again.machine.model_dump()}
        if day:
            replace_file(folder / "compared" / day / f"{name}.json", json.dumps(entry).encode())
        else:
            shutil.rmtree(again_folder(folder, day), ignore_errors=True)
    return f"{name}: {word}{': ' if detail else ''}{detail}"


def again_folder(folder: Path, day: str) -> Path:
    """Where the reruns of one day keep their checkpoints, so that a killed one goes on."""
    return folder / "again_checkpoints" / (day or "by_hand")


def nightly(
    *, build: str = "_build", chapter: str | None = None, count: int = RERUN, jobs: int | None = None,
    day: str | None = None, preset: str | None = None,
) -> int:  # fmt: skip
    """Rerun some published runs and report those outside the spread of seeds; 0 if none drifted or failed.

    Adds one line per paper to results/history/PAPER.jsonl. What a night that was killed had compared is not made again.
    """
    day = day or datetime.now(UTC).strftime("%Y-%m-%d")
    papers = chosen(chapter)
    picked, stale = sample(papers, count, day, preset=preset and check_preset(preset))
    if (chapter or preset) and not picked and not stale:
        presets = {key.preset for paper in papers for key in read_records(paper.key)}
        known = ", ".join(sorted(presets)) or "none yet; next: make night"
        raise ValueError(f"expected published runs of {chapter or 'any chapter'} at {preset}; their presets: {known}")
    for name, why in stale.items():
        print(f"stale: {name}: {why}; next: make night", flush=True)
    compared = ROOT / build / "night" / "compared" / day
    left = [name for name in picked if not (compared / f"{name}.json").is_file()]
    failed = run_queue(left, build, jobs or cores(), command=("rerun", "--day", day))
    entries = [json.loads((compared / f"{name}.json").read_text()) for name in picked if name not in failed]
    for paper in papers:
        mine = [entry for entry in entries if Key.parse(entry["run"]).paper == paper.key]
        old = [name for name in stale if Key.parse(name).paper == paper.key]
        if mine or old:
            _remember(paper.key, {"day": day, "compared": mine, "stale": len(old)})
    shutil.rmtree(compared, ignore_errors=True)  # asked once more on the same day, compare once more
    shutil.rmtree(again_folder(ROOT / build / "night", day).parent, ignore_errors=True)
    drifted = [entry for entry in entries if entry["word"] == DRIFT]
    for entry in drifted:
        print(f"DRIFT: {entry['run']}: {entry['detail']}", flush=True)
    return 1 if drifted or failed else 0


def _remember(paper: str, line: Mapping[str, Any]) -> None:
    """Append a night to a paper's history, whole or not at all; a second run of the same day replaces the first."""
    path = RESULTS / "history" / f"{paper}.jsonl"
    before = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    kept = [old for old in before if json.loads(old).get("day") != line["day"]]
    replace_file(path, "\n".join([*kept, json.dumps(line)]).encode() + b"\n")
