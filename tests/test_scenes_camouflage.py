"""The camouflage knob: things fade from rgb alone, into what is behind them, and nothing else of a scene moves."""

import pytest
import torch

from mmlib.scenes import CLASSES, FIELDS, THINGS, Knobs, fingerprint, scene
from mmlib.scenes.knobs import resolve

SIZE = (64, 96)
VISIBLE = ("rgb", "rgb_next")
FREE = {"misregistration": None, "noise": None, "ambiguity": None, "style": None, "speed": None}
KINDS = [
    (5, {"time": "night", "glare": 1.0, "crowding": 0.9}),
    (7, {"time": "dusk", "fog": 0.5, "style": "target", "crowding": 0.9}),
    (1_000_003, {"time": "day", "crowding": 1.0}),
    (2_000_001, FREE),
]

BEFORE_IMAGES = {
    (5, "night"): (0.47223, 0.14593, 0.47067, 0.14630, 0.13585, 0.05324, 0.13659, 0.05436),
    (7, "dusk"): (0.45543, 0.08310, 0.45409, 0.08357, 0.16563, 0.07498, 0.16724, 0.07464),
    (1_000_003, "day"): (0.52549, 0.16228, 0.52748, 0.16264, 0.31561, 0.18002, 0.31512, 0.18088),
    (2_000_001, "free"): (0.50587, 0.11332, 0.50618, 0.11325, 0.20661, 0.12385, 0.20691, 0.12426),
}
"""Means and standard deviations of rgb, rgb_next, ir and ir_next, measured before there was this knob."""

BEFORE_COUNTS = {
    (5, "night"): (18044, 833, 723, 16),
    (7, "dusk"): (17841, 28, 385, 13),
    (1_000_003, "day"): (21068, 1934, 584, 18),
    (2_000_001, "free"): (21289, 1020, 214, 16),
}
"""Sums of labels, instances and occlusion and the number of expressions, measured before there was this knob."""

BEFORE_KNOBS = {
    (5, "night"): {"time": "night", "glare": 1.0},
    (7, "dusk"): {"time": "dusk", "fog": 0.5, "style": "target"},
    (1_000_003, "day"): {"time": "day", "crowding": 1.0},
    (2_000_001, "free"): FREE,
}


def equal(a: dict, b: dict, names: tuple[str, ...] = FIELDS) -> None:
    """Assert that fields are the same bit for bit."""
    for name in names:
        if name == "expressions":
            assert [(e.text, e.kind, e.instances, e.candidates) for e in a[name]] == [
                (e.text, e.kind, e.instances, e.candidates) for e in b[name]
            ]
            assert all(torch.equal(e.mask, f.mask) for e, f in zip(a[name], b[name]))
        elif name == "colours":
            assert a[name] == b[name]
        else:
            assert torch.equal(a[name], b[name]), name


def things(sample: dict) -> torch.Tensor:
    """Where a person, rider or car is seen, (H, W) bool."""
    return torch.isin(sample["labels"], torch.tensor([CLASSES.index(name) for name in THINGS]))


def linear(image: torch.Tensor) -> torch.Tensor:
    """Linear light from a noiseless rgb image of style "source": the inverse of light.develop."""
    square = image.double() ** 2
    return square / (1.16 - 0.16 * square)


def test_the_fingerprint_is_the_one_from_before_this_knob() -> None:
    assert fingerprint() == "9ece2a13348c911889c6dfefabeb9196f3fcbce70042dce890dd45e5af388f2d"


@pytest.mark.parametrize("which", BEFORE_KNOBS)
def test_scenes_are_those_from_before_this_knob(which: tuple[int, str]) -> None:
    s = scene(which[0], size=SIZE, knobs=Knobs(**BEFORE_KNOBS[which]))
    images = [s[name].double() for name in ("rgb", "rgb_next", "ir", "ir_next")]
    measured = [float(v) for image in images for v in (image.mean(), image.std())]
    # Single pixels may differ by a grey level between processors.
    assert measured == pytest.approx(BEFORE_IMAGES[which], abs=3e-4)
    counts = [int(s[name].sum()) for name in ("labels", "instances", "occlusion")] + [len(s["expressions"])]
    assert counts == pytest.approx(BEFORE_COUNTS[which], rel=2e-3)


def test_without_camouflage_nothing_is_drawn_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    from mmlib.scenes import compose

    calls = []
    draw = compose.draw
    monkeypatch.setattr(compose, "draw", lambda *a: calls.append(1) or draw(*a))
    scene(5, size=SIZE)
    assert len(calls) == 1
    scene(5, size=SIZE, knobs=Knobs(camouflage=1.0), fields=("ir", "labels"))
    assert len(calls) == 2
    scene(5, size=SIZE, knobs=Knobs(camouflage=1.0), fields=("rgb",))
    assert len(calls) == 4


@pytest.mark.parametrize("camouflage", [0.5, 1.0])
@pytest.mark.parametrize(("seed", "knobs"), KINDS)
def test_only_rgb_is_camouflaged(seed: int, knobs: dict, camouflage: float) -> None:
    plain, faded = (scene(seed, size=SIZE, knobs=Knobs(**knobs, camouflage=c)) for c in (0.0, camouflage))
    seen = things(plain)
    assert seen.sum() > 50
    equal(plain, faded, tuple(name for name in FIELDS if name not in VISIBLE))
    assert not torch.equal(plain["rgb"], faded["rgb"]) and not torch.equal(plain["rgb_next"], faded["rgb_next"])


@pytest.mark.parametrize(("seed", "knobs"), KINDS)
def test_full_camouflage_is_the_empty_street_bit_for_bit(seed: int, knobs: dict) -> None:
    """Neither outline, shadow, lamp, halo, fog nor the grain of the sensor tells where a thing is."""
    faded = scene(seed, size=SIZE, knobs=Knobs(**knobs, camouflage=1.0), fields=VISIBLE)
    empty = scene(seed, size=SIZE, knobs=Knobs(**{**knobs, "crowding": 0.0}), fields=VISIBLE)
    equal(faded, empty, VISIBLE)


@pytest.mark.parametrize("time", ["day", "dusk", "night"])
def test_things_fade_in_proportion(time: str) -> None:
    steps = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
    shots = []
    for camouflage in steps:
        knobs = Knobs(time=time, glare=0.0, noise=0.0, crowding=0.9, camouflage=camouflage)
        shots.append(scene(5, size=SIZE, knobs=knobs, fields=("rgb", "labels")))
    where = things(shots[0])
    behind = shots[-1]["rgb"]
    contrast = [float((s["rgb"] - behind)[:, where].abs().mean()) for s in shots]
    assert contrast[0] > 0.05 and contrast[-1] == 0.0
    assert all(more > less for more, less in zip(contrast, contrast[1:]))
    # Light is mixed, so that what falls linearly is the difference in linear light, wherever no pixel is saturated.
    where &= shots[0]["rgb"].amax(0) < 0.99
    light = [float((linear(s["rgb"]) - linear(behind))[:, where].abs().mean()) for s in shots]
    assert [v / light[0] for v in light] == pytest.approx([1 - c for c in steps], abs=0.02)


def test_none_leaves_camouflage_to_the_seed_and_moves_nothing_else() -> None:
    drawn = []
    for seed in range(6):
        free, plain = resolve(seed, Knobs(camouflage=None)), resolve(seed, Knobs())
        assert plain.camouflage == 0.0 and 0.0 < free.camouflage < 1.0
        drawn.append(free.camouflage)
        assert {**vars(free), "camouflage": 0.0} == vars(plain)
    assert len(set(drawn)) == 6
    free, plain = (scene(5, size=SIZE, knobs=Knobs(crowding=0.9, camouflage=c)) for c in (None, 0.0))
    equal(free, plain, tuple(name for name in FIELDS if name not in VISIBLE))
    fixed = scene(5, size=SIZE, knobs=Knobs(crowding=0.9, camouflage=resolve(5, Knobs(camouflage=None)).camouflage))
    equal(free, fixed)
    assert not torch.equal(free["rgb"], plain["rgb"])


def test_an_empty_street_has_nothing_to_hide() -> None:
    plain, faded = (scene(5, size=SIZE, knobs=Knobs(crowding=0.0, camouflage=c)) for c in (0.0, 0.7))
    equal(plain, faded)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), "half", True])
def test_bad_camouflage_is_refused_by_name(value: object) -> None:
    with pytest.raises(ValueError, match="camouflage"):
        Knobs(camouflage=value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_draws_the_same_to_one_grey_level() -> None:
    knobs = Knobs(time="night", crowding=0.9, camouflage=0.6)
    here, there = (scene(5, size=SIZE, knobs=knobs, device=device, fields=VISIBLE) for device in ("cpu", "cuda"))
    for name in VISIBLE:
        assert (here[name] - there[name].cpu()).abs().max() <= 1.01 / 255
