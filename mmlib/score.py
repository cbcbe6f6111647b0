"""Score folders of fused pictures against their pairs, under one convention.

    python -m mmlib.score --set roadscene fused/ours fused/lrrnet --convention vifb -o table.csv
    python -m mmlib.score --ir photos/thermal --vi photos/visible ours=fused -o table.csv

`table.csv` gets one row per method and picture, `table.md` and `table.tex` the means with their intervals and ranks. A
run that was stopped goes on where it was. `score` and `summary` are the same as functions.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import math
import os
import sys
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from mmlib.data import Dataset
from mmlib.data.own import files_by_key, pair_key
from mmlib.files import replace_file
from mmlib.images import image_size, read_image
from mmlib.metrics.fusion import CONVENTIONS, HIGHER_IS_BETTER, convention_of, evaluate
from mmlib.metrics.pairs import rank

if TYPE_CHECKING:
    import pandas as pd

FIRST = ("method", "pair", "convention", "files")
"""The columns before the metrics'. `files`: beginning of the sha256 over the three files; another file is new work."""

ARROWS = {True: "↑", False: "↓"}


class Work(NamedTuple):
    """One fused picture to measure."""

    method: str
    pair: str
    fused: Path
    files: str


# --- finding the pictures


def match(
    pairs: Dataset, methods: Mapping[str, Path | str], *, common: bool = False, pattern: str | None = None
) -> list[Work]:
    """The fused picture of each method for each pair, by `mmlib.data.own.pair_key`; a last word may be the method's.

    common: leave out pairs that some method lacks, instead of refusing. ValueError for a method without a picture for
    a pair, or no pair that all have; DataMissing for a folder without pictures.
    """
    keys = {pair_key(name, pattern): name for name in pairs.names}
    if len(keys) < len(pairs):
        raise ValueError(f"{pairs.name}: expected pairs with different names, got some alike; next: give a pattern")
    folders = {method: files_by_key(folder, pattern, (method,)) for method, folder in methods.items()}
    shared = [key for key in keys if all(key in files for files in folders.values())]
    for method, files in folders.items():
        missing = [name for key, name in keys.items() if key not in files]
        if missing and not (common and shared):
            raise ValueError(
                f"{method}: {len(missing)} of {len(pairs)} pairs have no picture in {methods[method]}, such as "
                f"{missing[0]}; there are {', '.join(path.name for path in list(files.values())[:3])}; next: complete "
                "the folder, or leave these pairs out for all methods (--common)"
            )
    work = []
    for method, files in folders.items():
        for key in shared:
            work.append(Work(method, keys[key], files[key], _digest(pairs, keys[key], files[key])))
    return work


def _digest(pairs: Dataset, name: str, fused: Path) -> str:
    paths = [by_name[name] for kind, by_name in pairs.files.items() if kind in ("rgb", "ir")]
    digest = hashlib.sha256(pairs.content.encode())
    for path in [*paths, fused]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# --- measuring

_task: tuple = ()  # what a worker process was started for


def _start(*task: object) -> None:
    global _task
    _task = task
    torch.set_num_threads(1)
    import cv2

    cv2.setNumThreads(1)


def _measure(task: tuple | None, works: Sequence[Work]) -> list[dict[str, float]]:
    """The metrics of some pictures of one size, as one batch. task: None in a worker, which knows its own."""
    pairs, convention, metrics, device = task or _task
    images: dict[str, list] = {"fused": [], "rgb": [], "ir": []}
    for work in works:
        sample = pairs[work.pair]
        fused = read_image(work.fused, None)
        if fused.shape[-2:] != sample["rgb"].shape[-2:]:
            raise ValueError(
                f"{work.fused}: expected the {_size(sample['rgb'])} pixels of the pair {work.pair}, got "
                f"{_size(fused)}; next: let {work.method} write its pictures at the size of the sources"
            )
        for name, image in {"fused": fused, "rgb": sample["rgb"], "ir": sample["ir"]}.items():
            images[name].append(image)
    batch = [torch.stack(images[name]).to(device) for name in ("fused", "rgb", "ir")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metrics that are left out: the summary says so once, for all pictures
        found = evaluate(*batch, metrics=metrics, convention=convention)
    columns = {name: values.tolist() for name, values in found.items()}
    return [{name: values[row] for name, values in columns.items()} for row in range(len(works))]


def _size(image: torch.Tensor) -> str:
    return "x".join(str(side) for side in image.shape[-2:])


def _batches(work: Sequence[Work], batch: int) -> Iterator[list[Work]]:
    """Up to `batch` pictures of one size at a time, in order."""
    ready: list[Work] = []
    size = None
    for one in work:
        now = (one.method, image_size(one.fused))
        if ready and (len(ready) == batch or now != size):
            yield ready
            ready = []
        ready.append(one)
        size = now
    if ready:
        yield ready


def score(
    pairs: Dataset,
    methods: Mapping[str, Path | str],
    *,
    convention: str = "dominant",
    metrics: Sequence[str] | None = None,
    table: Path | str | None = None,
    common: bool = False,
    pattern: str | None = None,
    workers: int = 1,
    device: str = "cpu",
    batch: int = 8,
) -> pd.DataFrame:
    """Measure every picture of every method: a row each, with the columns method, pair and one per metric.

    Args:
        pairs: has rgb and ir, such as `mmlib.data.load("roadscene")` or `mmlib.data.load_pairs(...)`.
        methods: name -> folder of its fused pictures.
        convention, metrics: as in `mmlib.metrics.fusion.evaluate`.
        table: a .csv that keeps the rows as they are made. Rows that it holds already are not measured again, unless
            one of their files has changed.
        common, pattern: see `match`.
        workers: processes, on a CPU.  device: "cuda" measures batches of `batch` pictures of one size instead.

    A metric that a picture is too small for, or that is undefined for it, is NaN. ValueError for a table of another
    convention or other metrics, and the errors of `match`, of reading and of `evaluate`.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    defined = convention_of(convention)
    names = list(defined) if metrics is None else list(metrics)
    if unknown := [name for name in names if name not in defined]:
        known = ", ".join(defined)
        raise ValueError(
            f"metrics: expected some of {known}, got {', '.join(unknown)}; next: or take another convention"
        )
    work = match(pairs, methods, common=common, pattern=pattern)
    rows = _kept(table, names, convention)
    todo = [one for one in work if (one.method, one.pair, one.files) not in rows]
    task = (pairs.select("rgb", "ir"), convention, metrics, device)
    parallel = workers > 1 and device == "cpu" and len(todo) > 1
    jobs = list(_batches(todo, batch)) if device != "cpu" else [[one] for one in todo]
    if parallel:
        context = get_context("spawn")
        pool = ProcessPoolExecutor(min(workers, len(todo)), context, initializer=_start, initargs=task)
        results = pool.map(partial(_measure, None), jobs)
    else:
        pool = None
        results = map(partial(_measure, task), jobs)
    bar = tqdm(total=len(work), initial=len(work) - len(todo), unit="picture")
    try:
        for job, found in zip(jobs, results):
            for one, values in zip(job, found):
                row = [*one[:2], convention, one.files, *(values.get(name, math.nan) for name in names)]
                rows[one.method, one.pair, one.files] = row
                _append(table, row)
                bar.update()
    finally:
        bar.close()
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    ordered = [rows[one.method, one.pair, one.files] for one in work]
    if table is not None:
        replace_file(Path(table), _csv([[*FIRST, *names], *ordered]).encode())
    frame = pd.DataFrame(ordered, columns=[*FIRST, *names])
    return frame[["method", "pair", *names]]


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _append(table: Path | str | None, row: Sequence[object]) -> None:
    if table is not None:
        with open(table, "a", encoding="utf-8") as file:
            file.write(_csv([row]))


def _kept(table: Path | str | None, names: Sequence[str], convention: str) -> dict[tuple, list]:
    """The whole rows of a table that was begun before, by method, pair and files; the file is left with only these."""
    rows: dict[tuple, list] = {}
    header = [*FIRST, *names]
    if table is None:
        return rows
    if Path(table).is_file():
        with open(table, encoding="utf-8", newline="") as file:
            found = list(csv.reader(file))
        others = {row[2] for row in found[1:] if len(row) == len(header)} - {convention}
        if (found and found[0] != header) or others:
            raise ValueError(
                f"{table}: expected rows of convention {convention} with {', '.join(names)}, got others; "
                "next: name another table by -o, or delete this one"
            )
        for row in found[1:]:
            if len(row) == len(header):  # a kill may leave half a row
                rows[row[0], row[1], row[3]] = [*row[:4], *(float(value or "nan") for value in row[4:])]
    replace_file(Path(table), _csv([header, *rows.values()]).encode())
    return rows


# --- what it comes to


def summary(rows: pd.DataFrame, level: float = 0.95) -> tuple[pd.DataFrame, list[str]]:
    """Each method's mean per metric with its interval and rank, and notes in words.

    rows: as `score` gives them.  level: of Student's interval for the mean over pictures, that is, for other pictures
    of the same kind. A picture for which a metric is undefined (a constant one, for CC) or infinite (PSNR of equal
    images) for any method is left out of that metric for all methods, and a note says so.

    Returns a frame with the columns method, metric, mean, low, high, pictures, rank; low and high are NaN for a single
    picture. Notes name what was left out.
    """
    import pandas as pd
    from scipy import stats

    methods = list(dict.fromkeys(rows["method"]))
    metrics = [name for name in rows.columns if name not in ("method", "pair")]
    found, notes = [], []
    for metric in metrics:
        wide = rows.pivot(index="pair", columns="method", values=metric)[methods]
        sound = wide[wide.map(math.isfinite).all(axis=1)]
        lost = [pair for pair in wide.index if pair not in sound.index]
        if lost:
            bad = [method for method in methods if not wide[method].map(math.isfinite).all()]
            notes.append(
                f"{metric}: {len(lost)} of {len(wide)} pictures left out for all methods, undefined or too small for "
                f"{', '.join(bad)}: {', '.join(map(str, lost[:3]))}{', ...' if len(lost) > 3 else ''}"
            )
        if sound.empty:
            continue
        means = sound.mean()
        places = rank(means.to_dict(), HIGHER_IS_BETTER[metric])
        count = len(sound)
        half = sound.std(ddof=1) / math.sqrt(count) * stats.t.ppf((1 + level) / 2, max(count - 1, 1))
        for method in methods:
            low, high = means[method] - half[method], means[method] + half[method]
            found.append([method, metric, means[method], low, high, count, places[method]])
    columns = ["method", "metric", "mean", "low", "high", "pictures", "rank"]
    return pd.DataFrame(found, columns=columns), notes


def markdown(means: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """`summary` as a Markdown table: mean ± half the interval (rank), and the mean of the ranks; best ones bold."""
    metrics, lines = list(dict.fromkeys(means["metric"])), []
    lines.append(
        "| method | " + " | ".join(f"{name} {ARROWS[HIGHER_IS_BETTER[name]]}" for name in metrics) + " | rank |"
    )
    lines.append("|---" * (len(metrics) + 2) + "|")
    for method, row in _rows(means):
        cells = [f"**{text}**" if place == 1 else text for text, place in (_cell(row, name) for name in metrics)]
        lines.append(f"| {method} | " + " | ".join(cells) + f" | {row['rank'].mean():.2f} |")
    return "\n".join([*lines, *(f"\n{note}" for note in notes)]) + "\n"


def latex(means: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """The same as a LaTeX table for the package booktabs; notes are comments."""
    metrics, lines = list(dict.fromkeys(means["metric"])), []
    lines.append(r"\begin{tabular}{l" + "r" * (len(metrics) + 1) + r"}\toprule")
    arrows = {True: r"$\uparrow$", False: r"$\downarrow$"}
    heads = [f"{_escaped(name)} {arrows[HIGHER_IS_BETTER[name]]}" for name in metrics]
    lines.append(" & ".join(["method", *heads, "rank"]) + r" \\ \midrule")
    for method, row in _rows(means):
        cells = []
        for text, place in (_cell(row, name) for name in metrics):
            text = text.replace("±", r"$\pm$")
            cells.append(rf"\textbf{{{text}}}" if place == 1 else text)
        lines.append(" & ".join([_escaped(method), *cells, f"{row['rank'].mean():.2f}"]) + r" \\")
    lines.append(r"\bottomrule\end{tabular}")
    return "\n".join([*(f"% {note}" for note in notes), *lines]) + "\n"


def _rows(means: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for method in dict.fromkeys(means["method"]):
        yield method, means[means["method"] == method].set_index("metric")


def _cell(row: pd.DataFrame, metric: str) -> tuple[str, int]:
    one = row.loc[metric]
    half = (one["high"] - one["low"]) / 2
    spread = f" ± {half:.2g}" if math.isfinite(half) else ""
    return f"{one['mean']:.4g}{spread} ({one['rank']})", int(one["rank"])


def _escaped(text: str) -> str:
    return "".join("\\" + letter if letter in "_&%$#{}" else letter for letter in text)


# --- the command


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _folders(words: Sequence[str]) -> dict[str, Path]:
    """{method: folder}. A folder without METHOD= before it is a method of that folder's name."""
    methods: dict[str, Path] = {}
    for word in words:
        name, sign, folder = word.partition("=")
        if not sign:
            name, folder = Path(word).resolve().name, word
        name = unicodedata.normalize("NFC", name)
        if not (name and folder) or name in methods:
            raise ValueError(
                f"expected METHOD=DIR or DIR, each method once, got {word!r}; next: such as ours=fused/ours"
            )
        methods[name] = Path(folder)
    return methods


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 if something was wrong, said in one line."""
    from mmlib.fuse import add_pairs, chosen_pairs

    parser = argparse.ArgumentParser(prog="python -m mmlib.score", description="Score folders of fused pictures.")
    add_pairs(parser)
    parser.add_argument("methods", nargs="+", metavar="METHOD=DIR", help="a folder of fused pictures, and its name")
    parser.add_argument("--convention", default="dominant", choices=[*CONVENTIONS, "more"])
    parser.add_argument("--metrics", help="some of the convention's metrics, as en,ssim,vif; all of them otherwise")
    parser.add_argument("--common", action="store_true", help="leave out pairs that some method has no picture for")
    parser.add_argument("--workers", type=int, default=_cores(), help="processes, on a CPU")
    parser.add_argument("--device", default="cpu", help="cuda: in batches of --batch pictures of one size")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument(
        "-o", "--out", type=Path, required=True, help="TABLE.csv; TABLE.md and TABLE.tex come beside it"
    )
    words = parser.parse_intermixed_args(arguments)  # options may stand between the folders
    try:
        rows = score(
            chosen_pairs(words),
            _folders(words.methods),
            convention=words.convention,
            metrics=words.metrics.split(",") if words.metrics else None,
            table=words.out,
            common=words.common,
            pattern=words.pattern,
            workers=words.workers,
            device=words.device,
            batch=words.batch,
        )
        means, notes = summary(rows)
    except KeyboardInterrupt:
        print(f"\nmmlib.score: stopped; the same command goes on from {words.out}", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError) as error:
        print(f"mmlib.score: {error}", file=sys.stderr)
        return 2
    text = markdown(means, notes)
    replace_file(words.out.with_suffix(".md"), text.encode())
    replace_file(words.out.with_suffix(".tex"), latex(means, notes).encode())
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
