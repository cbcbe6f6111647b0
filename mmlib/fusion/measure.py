"""How a method does on a data set: every picture fused as its release would, and measured under one convention."""

from __future__ import annotations

import time
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import torch

from mmlib.data.folders import verified
from mmlib.fusion.methods import fuse
from mmlib.images import read_luma
from mmlib.metrics.fusion import CONVENTIONS, evaluate

if TYPE_CHECKING:
    from mmlib.data import Dataset

APART = ("ssim", "mse", "vif", "cc")
"""Metrics that compare with each source by itself; papers report their sum, their mean or the larger one."""


def measure(
    pairs: Dataset, method: str, *, convention: str = "tsjnet", device: torch.device | str = "cpu"
) -> dict[str, Any]:
    """Fuse and measure every pair of a set; what a record's `values` hold.

    The visible image is the luma that its file stores (`mmlib.images.read_luma`), for the method and for the metrics:
    that is what the released programs read. So methods that read colour (SeAFusion, DIDFuse) get grey.

    Returns:
        test: {metric: mean over pictures}.
        pictures: {metric: a value per picture}.  names: of the pictures, in this order.
        sources: {metric of APART: [against the visible image, against infrared] per picture}.
        time: seconds of fusing one picture, the median and the sum.

    ValueError for a set without files of rgb and ir, and the errors of `fuse` and `evaluate`.
    """
    from tqdm.auto import tqdm

    if not pairs.files or not {"rgb", "ir"} <= pairs.files.keys():
        raise ValueError(f"{pairs.name}: expected a set of files with rgb and ir, got {pairs!r}")
    whole = {name: told for name, told in CONVENTIONS[convention].items() if name not in APART}
    apart = {name: told | {"reduce": "none"} for name, told in CONVENTIONS[convention].items() if name in APART}
    pictures: dict[str, list[float]] = {name: [] for name in CONVENTIONS[convention]}
    sources: dict[str, list[list[float]]] = {name: [] for name in apart}
    seconds = []
    infrared = pairs.select("ir")
    for name in tqdm(pairs.names, desc=method, unit="pair"):
        vis = read_luma(verified(pairs.folder, pairs.files["rgb"][name]))[None].to(device)
        ir = infrared[name]["ir"][None].to(device)
        started = time.perf_counter()
        fused = fuse(vis, ir, method, released=True)
        seconds.append(time.perf_counter() - started)
        for metric, value in evaluate(fused, vis, ir, convention=whole).items():
            pictures[metric].append(value.item())
        for metric, value in evaluate(fused, vis, ir, convention=apart).items():
            both = value[0].tolist()
            sources[metric].append(both)
            pictures[metric].append(sum(both) if CONVENTIONS[convention][metric]["reduce"] == "sum" else fmean(both))
    return {
        "test": {metric: fmean(values) for metric, values in pictures.items()},
        "pictures": pictures,
        "sources": sources,
        "names": list(pairs.names),
        "time": {"median_s": median(seconds), "sum_s": sum(seconds)},
    }
