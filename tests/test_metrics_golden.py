"""Fusion metrics against values that independent public implementations gave on real images."""

import json
import math
from functools import cache
from pathlib import Path

import pytest
import torch

from mmlib.images import read_image
from mmlib.metrics import fusion

NAMES = {"VIFF_Han": "viff"}

# Implementation -> (convention, colour images instead of luma, relative tolerance, values that are another metric).
IMPLEMENTATIONS = {
    "vifb_octave_gray": ("vifb", False, 1e-9, ()),
    "vifb_octave_color": ("vifb", True, 1e-9, ()),
    "evalif_octave": ("tang", False, 1e-9, ("Nabf_as_called", "MS_SSIM_mef")),
    "cddfuse_f64": ("cddfuse", False, 1e-9, ("SSIM_L255",)),
    "cddfuse_official": ("cddfuse", False, 5e-5, ("SSIM_L255",)),  # float32; SSIM with L = 2 feels it most
}

# (implementation, its name for the value) -> our metric and arguments; for choices outside the named conventions.
VARIANTS = {
    ("own_numpy_f64", "NMI_zoo"): ("nmi", {"normalise": "sources"}),
    ("skimage", "NMI_sum"): ("nmi", {"normalise": "joint"}),
    ("sklearn", "NMI_arithmetic_sum"): ("nmi", {}),
    ("own_numpy_f64", "MI_bits"): ("mi", {"base": 2}),
    ("skimage", "PSNR_mean"): ("psnr", {"peak": 255.0, "average": "decibel"}),
    ("skimage", "MSE_mean"): ("mse", {}),
    ("skimage", "SSIM_gauss1.5_L255_sum"): ("ssim", {"window": "gaussian"}),
    ("skimage", "SSIM_uniform7_L255_sum"): ("ssim", {}),
    ("piq", "SSIM_sum"): ("ssim", {"window": "gaussian"}),
    ("zhengliu_octave", "Q_CB"): ("qcb", {"unit_first": True}),
    ("zhengliu_octave", "Q_CV"): ("qcv", {}),
}
LOOSE_VARIANTS = {  # computed in float32 by their authors
    ("topanxal", "psnr"): ("psnr", {"peak": "source", "average": "decibel"}),
    ("topanxal", "std2"): ("sd", {"sample": True}),
    ("torchmetrics", "SSIM_sum"): ("ssim", {"window": "gaussian", "border": "reflect"}),
    ("segmif_pytorch_ssim", "SSIM_sum_01"): ("ssim", {"window": "gaussian", "border": "zero"}),
}


@cache
def _triplets(golden: Path) -> dict:
    return json.loads((golden / "metrics_public.json").read_text())["triplets"]


def _images(golden: Path, triplet: str, suffix: str) -> list[torch.Tensor]:
    folder = golden / "public" / triplet
    channels = 1 if suffix else None
    images = []
    for name in ("fused", "vi", "ir"):
        grey = suffix or _triplets(golden)[triplet]["images"][name]["shape"][2:] != [3]
        images.append(read_image(folder / f"{name}{suffix}.png", channels=channels or (1 if grey else 3))[None])
    return images


def _recorded(golden: Path, triplet: str) -> list[tuple[str, dict]]:
    values = _triplets(golden)[triplet]["values"]
    return [(NAMES.get(metric, metric.lower()), entry) for metric, entries in values.items() for entry in entries]


@pytest.fixture(params=range(6), ids=lambda index: f"triplet{index + 1}")
def triplet(request: pytest.FixtureRequest, golden: Path) -> str:
    return sorted(_triplets(golden))[request.param]


@pytest.mark.parametrize("suffix", ["_y", ""], ids=["luma", "colour"])
def test_dominant_convention_meets_every_reference(golden: Path, triplet: str, suffix: str) -> None:
    values = fusion.evaluate(*_images(golden, triplet, suffix))
    references = _triplets(golden)[triplet]["reference"]
    assert len(references) == len(values) == 18
    for metric, entry in references.items():
        got = float(values[NAMES.get(metric, metric.lower())])
        assert got == pytest.approx(entry["value"], rel=entry["rel_tol"], abs=0), metric


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_named_convention_reproduces_an_implementation(golden: Path, triplet: str, implementation: str) -> None:
    convention, colour, tolerance, others = IMPLEMENTATIONS[implementation]
    entries = [
        (metric, entry)
        for metric, entry in _recorded(golden, triplet)
        if entry["impl"] == implementation and entry["name"] not in others
    ]
    if colour and "VIFB" not in triplet:
        assert not entries  # VIFB's per-channel values were recorded for its own images only
        return
    values = fusion.evaluate(*_images(golden, triplet, "" if colour else "_y"), convention=convention)
    assert {metric for metric, _ in entries} == set(values)
    for metric, entry in entries:
        assert float(values[metric]) == pytest.approx(entry["value"], rel=tolerance, abs=0), entry["name"]


def test_vifb_in_colour_gives_the_published_digits(golden: Path) -> None:
    checked = 0
    for name in _triplets(golden):
        entries = [(m, e) for m, e in _recorded(golden, name) if e["impl"] == "vifb_published_matlab_color"]
        values = fusion.evaluate(*_images(golden, name, ""), convention="vifb") if entries else {}
        for metric, entry in entries:
            assert f"{float(values[metric]):.5g}" == f"{entry['value']:.5g}", (name, metric)
            checked += 1
    assert checked == 26


@pytest.mark.parametrize("variants, tolerance", [(VARIANTS, 1e-8), (LOOSE_VARIANTS, 2e-5)], ids=["float64", "float32"])
def test_other_choices_reproduce_other_libraries(golden: Path, triplet: str, variants: dict, tolerance: float) -> None:
    images = _images(golden, triplet, "_y")
    met = set()
    for _, entry in _recorded(golden, triplet):
        key = (entry["impl"], entry["name"])
        if key in variants:
            metric, arguments = variants[key]
            got = float(fusion.METRICS[metric](*images, **arguments))
            assert got == pytest.approx(entry["value"], rel=tolerance, abs=0), key
            met.add(key)
    assert met == set(variants)


def test_one_metric_called_alone_equals_evaluate(golden: Path) -> None:
    images = _images(golden, "pub6_VIFB_running_NSCT_SR", "")
    for name, convention in fusion.CONVENTIONS.items():
        together = fusion.evaluate(*images, convention=name)
        for metric, arguments in convention.items():
            alone = fusion.METRICS[metric](*images, **arguments)
            assert math.isclose(float(alone), float(together[metric]), rel_tol=1e-12), (name, metric)
