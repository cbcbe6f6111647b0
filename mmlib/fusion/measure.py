"""How a method does on a data set: every picture fused as its release would, and measured under every convention."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import torch

from mmlib.data.folders import verified
from mmlib.fusion.methods import fuse
from mmlib.images import read_luma
from mmlib.metrics.fusion import CONVENTIONS, evaluate, vif

if TYPE_CHECKING:
    from mmlib.data import Dataset

APART = ("ssim", "ms_ssim", "mse", "vif", "cc")
"""Metrics that compare with each source by itself; papers report their sum, their mean or the larger one."""

REVERSED = "vif, reversed"
"""The column of VIF with its arguments in the other order: the fused image is the reference and a source its copy.

No definition asks for it, but a program that swaps two arguments computes it. Chapter 8 tries it on TSJNet's tables.
"""


def computed(convention: str, metric: str) -> dict[str, object]:
    """The settings of a metric of grey pictures in a convention, before values of two sources are joined."""
    settings = dict(CONVENTIONS[convention][metric])
    settings.pop("colour", None)  # a grey picture has one channel, whatever a convention does with three
    if metric in APART:
        settings["reduce"] = "none"
    return settings


def column(convention: str, metric: str) -> str:
    """Where a record keeps a metric of a convention. Conventions that compute it alike share one column."""
    wanted = computed(convention, metric)
    sharing = (name for name, metrics in CONVENTIONS.items() if metric in metrics and computed(name, metric) == wanted)
    return f"{metric}, {next(sharing)}"


def scores(pictures: Mapping[str, Sequence], convention: str) -> dict[str, list[float | None]]:
    """The values of every metric of a convention, picture by picture, from a record's `pictures`.

    None stands where a metric isn't defined, such as MS-SSIM of a picture that is too small.
    """
    found = {}
    for metric, settings in CONVENTIONS[convention].items():
        values = list(pictures[column(convention, metric)])
        if metric in APART:
            join = sum if settings["reduce"] == "sum" else fmean
            values = [None if both is None else join(both) for both in values]
        found[metric] = values
    return found


def measure(
    pairs: Dataset, method: str, *, convention: str = "tsjnet", device: torch.device | str = "cpu"
) -> dict[str, Any]:
    """Fuse every pair of a set and measure it under all conventions; what a record's `values` hold.

    The visible image is the luma that its file stores (`mmlib.images.read_luma`), for the method and for the metrics:
    that is what the released programs read. So methods that read colour (SeAFusion, DIDFuse) get grey.

    convention: of the means.

    Returns:
        test: {metric: mean over pictures under `convention`}, and vif_reversed, the mean of REVERSED.
        pictures: {column: a value per picture, or [against the visible image, against infrared] for those of APART},
            for `scores`, and REVERSED, in pairs like those.  names: of the pictures, in this order.
        time: seconds of fusing one picture, the median and the sum.

    ValueError for a set without files of rgb and ir, and the errors of `fuse` and `evaluate`.
    """
    from tqdm.auto import tqdm

    if not pairs.files or not {"rgb", "ir"} <= pairs.files.keys():
        raise ValueError(f"{pairs.name}: expected a set of files with rgb and ir, got {pairs!r}")
    # What each convention adds to those before it.
    added: dict[str, dict[str, dict[str, object]]] = {name: {} for name in CONVENTIONS}
    for name, metrics in CONVENTIONS.items():
        for metric in metrics:
            if column(name, metric) == f"{metric}, {name}":
                added[name][metric] = computed(name, metric)
    pictures: dict[str, list] = {f"{metric}, {name}": [] for name, metrics in added.items() for metric in metrics}
    pictures[REVERSED] = []
    seconds = []
    infrared = pairs.select("ir")
    for pair in tqdm(pairs.names, desc=method, unit="pair"):
        vis = read_luma(verified(pairs.folder, pairs.files["rgb"][pair]))[None].to(device)
        ir = infrared[pair]["ir"][None].to(device)
        started = time.perf_counter()
        fused = fuse(vis, ir, method, released=True)
        seconds.append(time.perf_counter() - started)
        for name, metrics in added.items():
            found = evaluate(fused, vis, ir, convention=metrics)
            for metric in metrics:
                pictures[f"{metric}, {name}"].append(_numbers(found.get(metric)))
        backwards = [vif(source, fused, fused, reduce="mean") for source in (vis, ir)]
        pictures[REVERSED].append(_numbers(torch.cat(backwards)))
    test = {metric: _mean(values) for metric, values in scores(pictures, convention).items()}
    test["vif_reversed"] = fmean(fmean(both) for both in pictures[REVERSED])
    time_taken = {"median_s": median(seconds), "sum_s": sum(seconds)}
    return {"test": test, "pictures": pictures, "names": list(pairs.names), "time": time_taken}


def _numbers(value: torch.Tensor | None) -> float | list[float] | None:
    """A metric of one picture in six digits, more than any table prints; None if it isn't defined."""
    if value is None or not bool(value.isfinite().all()):
        return None
    numbers = [float(f"{number:.6g}") for number in value.flatten().tolist()]
    return numbers if len(numbers) > 1 else numbers[0]


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None if a value is missing."""
    return None if None in values else math.fsum(values) / len(values)
