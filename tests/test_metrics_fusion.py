"""Fusion metrics: values known by hand, identities, and what happens to input that is not a pair of good images."""

import math

import pytest
import torch
from torch import Tensor

from mmlib.metrics import fusion
from mmlib.metrics.fusion import CONVENTIONS, HIGHER_IS_BETTER, METRICS, evaluate

PAIRED = [name for name in METRICS if name not in ("en", "sd", "sf", "ag", "ei")]
SINGLE = ["en", "sd", "sf", "ag", "ei"]
DIFFERENTIABLE = ["sd", "sf", "ag", "ei", "mse", "rmse", "psnr", "cc", "scd", "vif", "viff", "ssim", "qabf", "nabf"]


def formula_images() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The 64 x 96 images of the published hand calculation: A, B, their average rounded up, their maximum."""
    i, j = torch.meshgrid(torch.arange(64), torch.arange(96), indexing="ij")
    a, b = (3 * i + 5 * j) % 256, (i * j) % 256
    images = (a, b, (a + b + 1) // 2, torch.maximum(a, b))
    return tuple(image[None, None] / 255 for image in images)


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def triple(size: tuple[int, int] = (48, 52), batch: int = 1, channels: int = 1, seed: int = 0) -> list[Tensor]:
    a, b, c = (noise(batch, channels, *size, seed=seed + k) for k in range(3))
    return [0.4 * a + 0.4 * b + 0.2 * c, a, b]


# Hand values: metric, arguments, value for F = average, value for F = maximum.
BITS, PEAK, NONE = {"base": 2}, {"peak": 255.0}, {"reduce": "none"}
GAUSS = {"window": "gaussian", "reduce": "none"}
HAND = [
    ("en", {}, 7.660700, 7.695735),
    ("sd", {}, 53.971729, 62.533649),
    ("sf", {}, 65.458750, 79.525477),
    ("sf", {"divide_by": "pixels"}, 65.021851, None),
    ("ag", {}, 25.896361, 25.850588),
    ("ag", {"divide_by": "inner"}, 26.584334, None),
    ("mi", BITS, 6.477900, 10.153042),
    ("mi", {}, 4.490138, None),
    ("mse", {}, 2671.083333, 5341.791667),
    ("psnr", PEAK, 13.863929, 10.853934),
    ("psnr", PEAK | {"data_range": 1}, 61.994733, None),
    ("psnr", PEAK | {"error": "frobenius"}, 49.939623, None),
    ("cc", {}, 0.723508, 0.632226),
    ("scd", {}, 1.380679, 1.205344),
    ("vif", NONE, (0.135549, 0.248948), (0.125752, 0.128723)),
    ("qabf", {}, 0.453576, 0.410715),
    ("ssim", GAUSS, (0.210613, 0.753479), (0.311980, 0.588374)),
    ("ssim", NONE, (0.247775, 0.749750), None),
    ("ssim", NONE | {"data_range": 2}, (0.222491, 0.747881), None),
    ("qcv", {}, 1531.959218, 2361.338914),
]


@pytest.mark.parametrize("metric, arguments, average, maximum", HAND)
def test_values_calculated_by_hand(metric: str, arguments: dict, average: float, maximum: float | None) -> None:
    a, b, mean, largest = formula_images()
    for fused, expected in ((mean, average), (largest, maximum)):
        if expected is not None:
            got = METRICS[metric](fused, a, b, **arguments).squeeze(0)
            torch.testing.assert_close(got, torch.tensor(expected, dtype=got.dtype), rtol=1e-5, atol=1e-6)


def test_the_hand_images_are_the_published_ones() -> None:
    assert [int((255 * image).round().sum()) for image in formula_images()[:3]] == [793856, 738816, 768640]


def test_a_fused_image_equal_to_both_sources() -> None:
    a = formula_images()[0]
    values = evaluate(a, a, a, metrics=[name for name in CONVENTIONS["dominant"] if name != "ms_ssim"])
    expected = {"mse": 0, "cc": 1, "vif": 2, "viff": 1, "ssim": 2, "nmi": 2, "qcv": 0, "nabf": 0, "qcb": 1}
    for metric, value in expected.items():
        assert float(values[metric]) == pytest.approx(value, abs=1e-7), metric
    assert float(values["psnr"]) == math.inf
    assert float(values["qabf"]) == pytest.approx(0.975333, rel=1e-6)  # not 1: the logistic curves never get there
    assert math.isnan(float(values["scd"]))  # nothing is left to correlate
    assert float(fusion.mi(a, a, a, base=2)) == pytest.approx(2 * float(values["en"]), rel=1e-9)


def test_scd_is_undefined_for_a_fused_image_equal_to_one_source() -> None:
    a, b, _, _ = formula_images()
    assert float(fusion.vif(a, a, b, reduce="none")[0, 0]) == pytest.approx(1, abs=1e-6)
    assert math.isnan(float(fusion.scd(a, a, b)))


@pytest.mark.parametrize("metric", METRICS)
def test_the_two_sources_can_be_swapped(metric: str) -> None:
    fused, rgb, ir = triple((180, 170) if metric == "ms_ssim" else (48, 52))
    torch.testing.assert_close(METRICS[metric](fused, rgb, ir), METRICS[metric](fused, ir, rgb), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("colour", ["luma", "channels"])
@pytest.mark.parametrize("metric", METRICS)
def test_a_batch_gives_what_its_images_give_alone(metric: str, colour: str) -> None:
    images = triple((180, 170) if metric == "ms_ssim" else (47, 53), batch=3, channels=3)
    together = METRICS[metric](*images, colour=colour)
    alone = torch.cat([METRICS[metric](*(image[k : k + 1] for image in images), colour=colour) for k in range(3)])
    assert together.shape == (3,)
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_8_bit_images_measure_the_same_in_float32_and_float64(metric: str) -> None:
    images = [(255 * image).round() / 255 for image in triple((180, 170) if metric == "ms_ssim" else (48, 52))]
    low = METRICS[metric](*(image.float() for image in images))
    torch.testing.assert_close(low, METRICS[metric](*images), rtol=0, atol=0)  # float noise is removed, not tolerated


@pytest.mark.parametrize("metric", DIFFERENTIABLE)
def test_gradients_are_those_of_the_formula(metric: str) -> None:
    fused, rgb, ir = triple((41, 42) if metric in ("vif", "viff") else (12, 13))
    direction = noise(*fused.shape, seed=9) - 0.5
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def along(step: Tensor) -> Tensor:
        return METRICS[metric](0.5 * fused + 0.25 + 0.1 * step * direction, rgb, ir)

    assert torch.autograd.gradcheck(along, (shift,), eps=1e-7, atol=1e-3, rtol=1e-4)


def test_ms_ssim_has_gradients() -> None:
    fused, rgb, ir = triple((161, 162))
    fused.requires_grad_()
    (slope,) = torch.autograd.grad(fusion.ms_ssim(fused, rgb, ir).sum(), fused)
    assert bool(slope.isfinite().all()) and float(slope.abs().max()) > 0


@pytest.mark.parametrize("metric", ["sd", "ag", "ei", "ssim", "qabf", "nabf", "vif", "mse"])
def test_gradients_stay_finite_where_an_image_is_flat(metric: str) -> None:
    fused, rgb, ir = triple()
    fused, rgb = fused.clone(), rgb.clone()
    fused[..., :20, :], rgb[..., 10:30, :] = 0.5, 0.5
    fused.requires_grad_()
    (slope,) = torch.autograd.grad(METRICS[metric](fused, rgb, ir).sum(), fused)
    assert bool(slope.isfinite().all())


def test_gradients_of_an_8_bit_image_are_not_lost_in_rounding() -> None:
    fused, rgb, ir = ((255 * image).round() / 255 for image in triple())
    fused.requires_grad_()
    (slope,) = torch.autograd.grad(fusion.mse(fused, rgb, ir).sum(), fused)
    assert float(slope.abs().max()) > 0


# What a constant image gives. Everything not named here is a finite number.
CONSTANT_FUSED = {"en": 0, "sd": 0, "sf": 0, "ag": 0, "ei": 0, "mi": 0, "nmi": 0, "vif": 0, "nabf": 0}
UNDEFINED = {
    "fused": {"cc", "qcb"},
    "rgb": {"cc", "scd", "qcb"},
    "ir": {"cc", "scd", "qcb"},
    "all": {"cc", "scd", "qcb", "nmi", "qcv", "qw", "qe"},
}


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("which", UNDEFINED)
@pytest.mark.parametrize("metric", METRICS)
def test_constant_images_give_the_documented_value(metric: str, which: str, level: float) -> None:
    images = dict(zip(("fused", "rgb", "ir"), triple((170, 171) if metric == "ms_ssim" else (48, 52))))
    for name in images if which == "all" else [which]:
        images[name] = torch.full_like(images[name], level)
    value = float(METRICS[metric](*images.values()))
    undefined = metric in UNDEFINED[which] or (metric == "qabf" and which == "all" and level == 0)
    assert math.isnan(value) == undefined
    if which in ("fused", "all") and metric in CONSTANT_FUSED and not undefined:
        expected = 2 if metric == "vif" and which == "all" else CONSTANT_FUSED[metric]
        assert value == pytest.approx(expected, abs=1e-12)


def test_vif_against_a_constant_source_is_what_the_caller_says() -> None:
    fused, rgb, ir = triple()
    flat = torch.full_like(rgb, 0.3)
    assert float(fusion.vif(fused, flat, ir, reduce="none")[0, 0]) == 1
    assert math.isnan(float(fusion.vif(fused, flat, ir, constant=math.nan)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("metric", METRICS)
def test_nan_and_infinity_are_refused(metric: str, which: int, bad: float) -> None:
    images = [image.clone() for image in triple()]
    images[which][0, 0, 3, 4] = bad
    if metric in SINGLE and which > 0:
        return  # these look at the fused image only
    with pytest.raises(ValueError, match="NaN or infinite|finite"):
        METRICS[metric](*images)


@pytest.mark.parametrize("metric", METRICS)
def test_wrong_images_are_refused_with_a_reason(metric: str) -> None:
    fused, rgb, ir = triple()
    measure = METRICS[metric]
    with pytest.raises(TypeError, match="from_uint8"):
        measure((255 * fused).to(torch.uint8), rgb, ir)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        measure(255 * fused, rgb, ir)
    with pytest.raises(ValueError, match="batch axis"):
        measure(fused[0], rgb, ir)
    with pytest.raises(ValueError, match="channel"):
        measure(fused.expand(-1, 2, -1, -1), rgb, ir)
    with pytest.raises(ValueError, match="colour must be one of"):
        measure(fused, rgb, ir, colour="grey")


@pytest.mark.parametrize("metric", PAIRED)
def test_images_of_different_sizes_are_refused(metric: str) -> None:
    fused, rgb, ir = triple()
    for wrong in ((fused, rgb[..., :-1], ir), (fused, rgb, ir[..., :-1, :]), (fused, rgb.expand(2, -1, -1, -1), ir)):
        with pytest.raises(ValueError, match="same pixels"):
            METRICS[metric](*wrong)


@pytest.mark.parametrize(
    "metric, largest, arguments",
    [
        ("ssim", 6, {}),
        ("ssim", 10, {"window": "gaussian"}),
        ("ssim", 5, {"window": "gaussian", "border": "replicate"}),
        ("ms_ssim", 160, {}),
        ("vif", 40, {}),
        ("viff", 40, {}),
        ("sf", 1, {}),
        ("ag", 1, {}),
        ("nabf", 1, {}),
    ],
)
def test_images_smaller_than_the_window_are_refused(metric: str, largest: int, arguments: dict) -> None:
    for size in ((largest, 200), (200, largest)):
        with pytest.raises(ValueError, match="at least"):
            METRICS[metric](*triple(size), **arguments)
    value = METRICS[metric](*triple((largest + 1, largest + 1)), **arguments)
    assert bool(value.isfinite().all())


@pytest.mark.parametrize(
    "metric, arguments",
    [
        ("mi", {"reduce": "max"}),
        ("nmi", {"normalise": "none"}),
        ("sf", {"divide_by": "inner"}),
        ("ag", {"divide_by": "differences"}),
        ("psnr", {"peak": "rgb"}),
        ("psnr", {"error": "mae"}),
        ("psnr", {"average": "mean"}),
        ("ssim", {"window": "box"}),
        ("ssim", {"border": "wrap"}),
        ("ssim", {"covariance": "n"}),
        ("qabf", {"ties": "none"}),
        ("qabf", {"angle": "degrees"}),
    ],
)
def test_an_unknown_choice_is_an_error_that_lists_the_choices(metric: str, arguments: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be"):
        METRICS[metric](*triple(), **arguments)


def test_an_unknown_convention_or_metric_is_an_error_that_lists_what_exists() -> None:
    images = triple()
    with pytest.raises(ValueError, match="dominant, tsjnet, cddfuse, vifb, tang, more"):
        evaluate(*images, convention="vfib")
    with pytest.raises(ValueError, match="'qcv'.*it defines en"):
        evaluate(*images, ["qcv"], convention="cddfuse")


def test_every_metric_says_which_way_it_points() -> None:
    worse = [image.clone() for image in triple((176, 176))]
    better = [(worse[1] + worse[2]) / 2, *worse[1:]]
    worse[0] = noise(1, 1, 176, 176, seed=7)
    for metric in ("mse", "rmse", "psnr", "cc", "vif", "ssim", "ms_ssim", "qabf", "nabf", "qcv", "mi"):
        good, bad = (float(METRICS[metric](*images)) for images in (better, worse))
        assert (good > bad) == HIGHER_IS_BETTER[metric], metric
    assert set(HIGHER_IS_BETTER) == set(METRICS)
    assert [name for name, up in HIGHER_IS_BETTER.items() if not up] == ["mse", "nabf", "qcv", "ce", "rmse"]


def test_evaluate_rounds_to_8_bits_as_files_do() -> None:
    images = [image.float() for image in triple()]
    files = [(255 * image).round() / 255 for image in images]
    rounded, exact = evaluate(*images, ["sd", "ssim"]), evaluate(*images, ["sd", "ssim"], quantise=False)
    for metric in ("sd", "ssim"):
        assert float(rounded[metric]) == float(METRICS[metric](*files))
        assert float(exact[metric]) == float(METRICS[metric](*images)) != float(rounded[metric])


def test_colour_is_reduced_to_8_bit_luma_or_compared_channel_by_channel() -> None:
    fused, rgb, ir = ((255 * image).round() / 255 for image in triple(channels=3))
    grey = ir[:, :1]
    assert float(fusion.sd(fused)) == float(fusion.sd(fused, rgb, grey))
    per_channel = [float(fusion.mse(fused[:, [k]], rgb[:, [k]], grey)) for k in range(3)]
    assert float(fusion.mse(fused, rgb, grey, colour="channels")) == pytest.approx(sum(per_channel) / 3, rel=1e-12)
    wide = torch.cat([fused[:, [k]] for k in range(3)], dim=-1)
    assert float(fusion.sf(fused, colour="side_by_side")) == pytest.approx(float(fusion.sf(wide)), rel=1e-12)


def test_a_grey_fused_image_is_compared_with_luma_in_every_colour_mode() -> None:
    fused, rgb, ir = ((255 * image).round() / 255 for image in triple(channels=3))
    grey = fused[:, :1]
    assert float(fusion.mse(grey, rgb, ir, colour="channels")) == float(fusion.mse(grey, rgb, ir))


def test_too_small_a_range_makes_ssim_of_faint_texture_small() -> None:
    images = [0.5 + 0.02 * image for image in triple((64, 64))]
    ssims = {name: float(evaluate(*images, ["ssim"], convention=name)["ssim"]) for name in CONVENTIONS}
    assert ssims["cddfuse"] < ssims["dominant"]
    assert ssims["tang"] < ssims["tsjnet"] == pytest.approx(ssims["vifb"] / 2, rel=1e-12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_values_of_the_cpu() -> None:
    images = [(255 * image).round().div(255).float() for image in triple((180, 170), batch=2, channels=3)]
    for metric, measure in METRICS.items():
        for colour in ("luma", "channels"):
            here = measure(*images, colour=colour)
            there = measure(*(image.cuda() for image in images), colour=colour).cpu()
            torch.testing.assert_close(there, here, rtol=1e-7, atol=1e-9, msg=metric)
