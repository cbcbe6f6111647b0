"""The conventions behind published numbers, and `evaluate`, which applies one of them to a batch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from . import contrast, correlation, edges, features, fidelity, information, perception, phase, saliency, structure
from .levels import Planes, TooSmall, planes

METRICS: dict[str, Callable[..., Tensor]] = {
    "en": information.en,
    "sd": contrast.sd,
    "sf": contrast.sf,
    "ag": contrast.ag,
    "mi": information.mi,
    "nmi": information.nmi,
    "mse": correlation.mse,
    "psnr": correlation.psnr,
    "cc": correlation.cc,
    "scd": correlation.scd,
    "vif": fidelity.vif,
    "viff": fidelity.viff,
    "ssim": structure.ssim,
    "ms_ssim": structure.ms_ssim,
    "qabf": edges.qabf,
    "nabf": edges.nabf,
    "qcv": perception.qcv,
    "qcb": perception.qcb,
    "ce": information.ce,
    "ei": contrast.ei,
    "rmse": correlation.rmse,
    "fmi_pixel": features.fmi_pixel,
    "fmi_gradient": features.fmi_gradient,
    "q0": saliency.q0,
    "qw": saliency.qw,
    "qe": saliency.qe,
    "qy": saliency.qy,
    "qp": phase.qp,
    "qncie": information.qncie,
}
"""Every metric by its name. ce, ei and rmse are VIFB's own; from fmi_pixel on they stand in the convention "more"."""

LOWER_IS_BETTER = ("mse", "nabf", "qcv", "ce", "rmse")
HIGHER_IS_BETTER: dict[str, bool] = {name: name not in LOWER_IS_BETTER for name in METRICS}
"""Which way a metric points. For Nabf, MSE, Qcv, CE and RMSE less is better."""

Convention = Mapping[str, Mapping[str, object]]
_VIFB = {"colour": "channels"}

CONVENTIONS: dict[str, Convention] = {
    # What most code bases share, without their slips: sums over the sources, luma, 0..255, SSIM with L = 255.
    "dominant": {
        "en": {"base": 2},
        "sd": {"sample": False},
        "sf": {"divide_by": "differences"},
        "ag": {"divide_by": "pixels"},
        "mi": {"base": math.e, "reduce": "sum"},
        "nmi": {"normalise": "arithmetic", "reduce": "sum"},
        "mse": {"data_range": 255, "reduce": "mean"},
        "psnr": {"peak": "fused", "average": "error"},
        "cc": {"reduce": "mean"},
        "scd": {"reduce": "sum"},
        "vif": {"noise": 2.0, "data_range": 255, "reduce": "sum"},
        "viff": {},
        "ssim": {"window": "uniform", "size": 7, "data_range": 255, "reduce": "sum"},
        "ms_ssim": {"data_range": 255, "reduce": "sum"},
        "qabf": {"ties": "strength", "angle": "line", "data_range": 255},
        "nabf": {"threshold": 2.0, "floor": 0.001},
        "qcv": {"stretch": True},
        "qcb": {"unit_first": False},
    },
    # Identified, not confirmed: of the variants tried on one re-run method, means over the sources, Gaussian SSIM and
    # peak 255 came nearest to the paper's table. Which VIF the tables hold is open; the mean is the nearest simple one.
    "tsjnet": {
        "ssim": {"window": "gaussian", "size": 11, "sigma": 1.5, "data_range": 255, "reduce": "mean"},
        "psnr": {"peak": 255.0, "average": "error"},
        "mse": {"data_range": 255, "reduce": "mean"},
        "vif": {"noise": 2.0, "data_range": 255, "reduce": "mean"},
        "cc": {"reduce": "mean"},
        "qcv": {"stretch": True},
    },
    # CDDFuse's evaluator, a file of whose name lies in dozens of repositories: SSIM with L = 2, PSNR relative to the
    # brightest fused pixel.
    "cddfuse": {
        "en": {"base": 2},
        "sd": {"sample": False},
        "sf": {"divide_by": "differences"},
        "ag": {"divide_by": "pixels"},
        "mi": {"base": math.e, "reduce": "sum"},
        "mse": {"data_range": 255, "reduce": "mean"},
        "cc": {"reduce": "mean"},
        "psnr": {"peak": "fused", "average": "error"},
        "scd": {"reduce": "sum"},
        "vif": {"noise": 2.0, "data_range": 255, "reduce": "sum"},
        "qabf": {"ties": "strength", "angle": "line", "data_range": 255},
        "ssim": {"window": "uniform", "size": 7, "data_range": 2, "reduce": "sum"},
    },
    # VIFB: every colour channel against the same infrared image, then the mean; "RMSE" and PSNR from sqrt(sum) /
    # pixels.
    "vifb": {
        "ce": {"base": 2, "reduce": "mean"} | _VIFB,
        "en": {"base": 2} | _VIFB,
        "mi": {"base": math.e, "reduce": "sum"} | _VIFB,
        "psnr": {"peak": 255.0, "error": "frobenius", "average": "error"} | _VIFB,
        "ag": {"divide_by": "inner"} | _VIFB,
        "ei": _VIFB,
        "qabf": {"ties": "strength", "angle": "line", "data_range": 255**2} | _VIFB,
        "sd": {"sample": False} | _VIFB,
        "sf": {"divide_by": "pixels", "colour": "side_by_side"},
        "rmse": {"reduce": "mean"} | _VIFB,
        "ssim": {"window": "gaussian", "size": 11, "sigma": 1.5, "data_range": 255, "reduce": "sum"} | _VIFB,
        "qcb": {"unit_first": False} | _VIFB,
        "qcv": {"stretch": True} | _VIFB,
    },
    # Tang's MATLAB evaluator: bits, means, MSE on 0..1 under a peak of 255, SSIM with L = 1.
    "tang": {
        "en": {"base": 2},
        "sd": {"sample": False},
        "sf": {"divide_by": "differences"},
        "ag": {"divide_by": "inner"},
        "mi": {"base": 2, "reduce": "sum", "merge_brightest": True},
        "mse": {"data_range": 1, "reduce": "mean"},
        "psnr": {"peak": 255.0, "data_range": 1, "average": "error"},
        "cc": {"reduce": "mean"},
        "scd": {"reduce": "sum"},
        "vif": {"noise": 2.0, "data_range": 255, "constant": math.nan, "reduce": "sum"},
        "ssim": {"window": "gaussian", "size": 11, "data_range": 1, "border": "replicate", "reduce": "mean"},
        "qabf": {"ties": "strength", "angle": "line", "data_range": 255},
        "nabf": {"threshold": 2.0, "floor": 0.001},
    },
}
"""Named conventions: metric -> the keyword arguments that reproduce it. Metrics a source does not define are absent."""

MORE: Convention = {name: {} for name in ("fmi_pixel", "fmi_gradient", "q0", "qw", "qe", "qy", "qp", "qncie")}
"""Metrics of many tables that no evaluator above has, each as its authors define it: the convention "more"."""


def evaluate(
    fused: Tensor,
    rgb: Tensor,
    ir: Tensor,
    metrics: Iterable[str] | None = None,
    convention: str | Convention = "dominant",
    *,
    quantise: bool = True,
    dtype: torch.dtype = torch.float64,
) -> dict[str, Tensor]:
    """Several metrics of one batch under one convention: {name: (B,)}.

    fused, rgb, ir: (B,1,H,W) or (B,3,H,W) in [0, 1]. metrics: names, by default all of the convention. convention: a
    key of CONVENTIONS or a mapping like its values. quantise: round the images to 8 bits first, as if they came from
    files, which is what every published evaluator saw; False measures the float values. dtype: what is computed in;
    float32 takes half the memory and is faster on many GPUs, at some digits' cost.

    Without `metrics`, those that need larger images (MS-SSIM: 161 pixels) are left out, and a warning says so.
    """
    arguments = convention_of(convention)
    names = list(arguments) if metrics is None else list(metrics)
    if unknown := [name for name in names if name not in arguments]:
        raise ValueError(f"no {', '.join(map(repr, unknown))} in this convention; it defines {', '.join(arguments)}")
    ready: dict[str, tuple[Planes, ...]] = {}
    values = {}
    for name in names:
        colour = str(arguments[name].get("colour", "luma"))
        if colour not in ready:
            ready[colour] = tuple(
                Planes(image) for image in planes(fused, rgb, ir, colour=colour, quantise=quantise, dtype=dtype)
            )
        try:
            values[name] = METRICS[name](*ready[colour], **arguments[name])
        except TooSmall as error:
            if metrics is not None:
                raise
            warnings.warn(f"{name} is left out: {error}", stacklevel=2)
    return values


def list_metrics(convention: str | None = None) -> dict[str, str]:
    """What can be measured: {name: the first sentence about it}, all of METRICS or those of one convention."""
    names = METRICS if convention is None else convention_of(convention)
    return {name: (METRICS[name].__doc__ or "").strip().splitlines()[0] for name in names}


class Accumulator:
    """Metrics of a whole set, batch by batch, with what `evaluate` takes.

    scores = Accumulator(convention="vifb")
    scores.update(fused, rgb, ir)
    scores.compute()["ssim"]     # {"mean": 1.27, "std": 0.06, "count": 21}
    """

    def __init__(
        self,
        metrics: Iterable[str] | None = None,
        convention: str | Convention = "dominant",
        *,
        quantise: bool = True,
        dtype: torch.dtype = torch.float64,
    ):
        self.metrics = None if metrics is None else list(metrics)
        self.convention = convention
        self.quantise = quantise
        self.dtype = dtype
        self.values: dict[str, list[float]] = {}

    def update(self, fused: Tensor, rgb: Tensor, ir: Tensor) -> None:
        """Measure a batch, (B,1,H,W) or (B,3,H,W) each, and keep its values."""
        found = evaluate(fused, rgb, ir, self.metrics, self.convention, quantise=self.quantise, dtype=self.dtype)
        for name, batch in found.items():
            self.values.setdefault(name, []).extend(batch.tolist())

    def compute(self) -> dict[str, dict[str, float]]:
        """{metric: {"mean", "std" (sample, nan for one picture), "count", "undefined"}} over the pictures so far.

        NaN and infinite values are counted as undefined, and are in neither mean nor spread.
        """
        made = {}
        for name, values in self.values.items():
            sound = torch.tensor([value for value in values if math.isfinite(value)], dtype=torch.float64)
            mean = float(sound.mean()) if len(sound) else math.nan
            std = float(sound.std()) if len(sound) > 1 else math.nan
            made[name] = {"mean": mean, "std": std, "count": len(sound), "undefined": len(values) - len(sound)}
        return made


def convention_of(convention: str | Convention) -> Convention:
    """The convention of that name, one of CONVENTIONS or "more"; a mapping is its own. ValueError for another name."""
    if not isinstance(convention, str):
        return convention
    named = {**CONVENTIONS, "more": MORE}
    if convention not in named:
        raise ValueError(f"convention must be one of {', '.join(named)}, got {convention!r}")
    return named[convention]
