"""MiniStreet's contract: fields, determinism, sizes, errors."""

import hashlib
import subprocess
import sys

import pytest
import torch

from mmlib.scenes import CLASSES, FIELDS, PALETTE, THINGS, Expression, Knobs, fingerprint, scene, scenes, split_seeds

SIZE = (64, 128)
TENSORS = (
    "rgb",
    "rgb_next",
    "ir",
    "ir_next",
    "labels",
    "instances",
    "boxes",
    "box_labels",
    "depth",
    "flow",
    "occlusion",
)


def test_a_scene_has_every_field_in_its_shape() -> None:
    s = scene(0, size=SIZE)
    assert tuple(s) == FIELDS
    assert s["rgb"].shape == s["rgb_next"].shape == (3, *SIZE)
    assert s["ir"].shape == s["ir_next"].shape == s["depth"].shape == (1, *SIZE)
    assert s["labels"].shape == s["instances"].shape == s["occlusion"].shape == SIZE
    assert s["flow"].shape == (2, *SIZE)
    assert s["labels"].dtype == s["instances"].dtype == s["box_labels"].dtype == torch.int64
    assert s["occlusion"].dtype == torch.bool
    assert all(s[k].dtype == torch.float32 for k in ("rgb", "rgb_next", "ir", "ir_next", "boxes", "depth", "flow"))
    assert s["boxes"].shape == (len(s["box_labels"]), 4) and len(s["colours"]) == len(s["boxes"])
    assert all(
        isinstance(e, Expression) and e.mask.shape == SIZE and e.mask.dtype == torch.bool for e in s["expressions"]
    )


@pytest.mark.parametrize("size", [(48, 48), (97, 131), (60, 200), (120, 90)])
def test_any_size_within_the_limits_works(size: tuple[int, int]) -> None:
    s = scene(5, size=size)
    assert s["rgb"].shape == (3, *size) and s["flow"].shape == (2, *size)
    assert torch.isfinite(s["rgb"]).all() and torch.isfinite(s["flow"]).all()


def test_images_are_eight_bit_steps_in_0_to_1() -> None:
    s = scene(8, size=SIZE)
    for name in ("rgb", "rgb_next", "ir", "ir_next"):
        assert s[name].min() >= 0 and s[name].max() <= 1
        assert torch.allclose(s[name] * 255, (s[name] * 255).round(), atol=1e-3)


def test_a_batch_holds_exactly_the_single_scenes() -> None:
    batch = scenes([3, 4, 2_000_001], size=SIZE)
    for k, seed in enumerate((3, 4, 2_000_001)):
        alone = scene(seed, size=SIZE)
        assert all(torch.equal(batch[name][k], alone[name]) for name in TENSORS)
        assert [e.text for e in batch["expressions"][k]] == [e.text for e in alone["expressions"]]
        assert all(torch.equal(a.mask, b.mask) for a, b in zip(batch["expressions"][k], alone["expressions"]))


def _digest(seed: int) -> str:
    s = scene(seed, size=SIZE)
    return hashlib.sha256(b"".join(s[name].numpy().tobytes() for name in TENSORS)).hexdigest()


def test_another_process_draws_the_same_bytes() -> None:
    code = f"import sys; sys.path.insert(0, {str(sys.path[0])!r})\n" + (
        "import hashlib, torch\ntorch.set_num_threads(2)\nfrom mmlib.scenes import scene\n"
        f"s = scene(11, size={SIZE})\n"
        f"print(hashlib.sha256(b''.join(s[n].numpy().tobytes() for n in {TENSORS})).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert other == _digest(11)
    assert other != _digest(12)


def test_the_fingerprint_is_stable_and_moves_with_the_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    from mmlib.scenes import actors, light

    before = fingerprint()
    assert before == fingerprint() and len(before) == 64
    monkeypatch.setattr(light, "BEAM", (0.6, 0.6, 0.6))
    dimmed = fingerprint()
    monkeypatch.setitem(actors.COLOURS, "red", "#cc3a39")
    assert len({before, dimmed, fingerprint()}) == 3


def test_the_global_random_state_is_neither_read_nor_moved() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = scene(6, size=SIZE, fields=("rgb",))["rgb"]
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert torch.equal(first, scene(6, size=SIZE, fields=("rgb",))["rgb"])


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_asked_for_alone_is_the_same(name: str) -> None:
    alone, full = scene(7, size=SIZE, fields=(name,)), scene(7, size=SIZE)
    assert tuple(alone) == (name,)
    if name == "expressions":
        assert [e.text for e in alone[name]] == [e.text for e in full[name]]
    elif name == "colours":
        assert alone[name] == full[name]
    else:
        assert torch.equal(alone[name], full[name])


def test_fewer_fields_cost_less() -> None:
    from mmlib.scenes import compose, light

    calls = []
    original = light.illuminate
    light.illuminate = lambda *a: calls.append(1) or original(*a)
    try:
        scene(7, size=SIZE, fields=("labels", "boxes"))
        assert not calls and compose is not None
        scene(7, size=SIZE, fields=("rgb",))
        assert len(calls) == 1
        scene(7, size=SIZE)
        assert len(calls) == 3
    finally:
        light.illuminate = original


def test_the_palette_tells_classes_apart() -> None:
    assert PALETTE.shape == (len(CLASSES), 3) and PALETTE.dtype.name == "uint8"
    colours = torch.tensor(PALETTE.astype("float64"))
    distance = torch.cdist(colours, colours) + 1e3 * torch.eye(len(CLASSES))
    assert distance.min() > 45
    assert set(THINGS) <= set(CLASSES)


@pytest.mark.parametrize(
    ("error", "arguments", "says"),
    [
        (TypeError, {"seed": 1.5}, "integer"),
        (TypeError, {"seed": "3"}, "integer"),
        (TypeError, {"seed": True}, "integer"),
        (ValueError, {"seed": -1}, "split_seeds"),
        (ValueError, {"seed": 3_000_000}, "split_seeds"),
        (TypeError, {"size": 128}, "two integers"),
        (TypeError, {"size": (128.0, 256)}, "two integers"),
        (ValueError, {"size": (16, 256)}, "48"),
        (ValueError, {"size": (128, 4096)}, "2048"),
        (ValueError, {"fields": ("rgb", "sonar")}, "sonar"),
        (ValueError, {"fields": ()}, "non-empty"),
        (ValueError, {"fields": "rgb"}, "list"),
        (TypeError, {"knobs": {"time": "day"}}, "Knobs"),
    ],
)
def test_bad_arguments_are_refused_with_a_reason(error: type, arguments: dict, says: str) -> None:
    with pytest.raises(error, match=says):
        scene(arguments.pop("seed", 0), **arguments)


@pytest.mark.parametrize(
    "knobs",
    [
        {"time": "noon"},
        {"style": "oil"},
        {"fog": -0.1},
        {"fog": 1.5},
        {"glare": 2},
        {"misregistration": -1},
        {"noise": "much"},
        {"crowding": True},
        {"ambiguity": 1.1},
        {"speed": 9.0},
        {"fog": float("nan")},
    ],
)
def test_bad_knobs_are_refused_by_name(knobs: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(knobs))):
        Knobs(**knobs)


def test_no_seeds_is_an_error() -> None:
    with pytest.raises(ValueError, match="seeds"):
        scenes([])


def test_splits_do_not_overlap_and_refuse_nonsense() -> None:
    parts = [split_seeds(name, 1_000_000) for name in ("train", "val", "test")]
    assert [p.start for p in parts] == [0, 1_000_000, 2_000_000]
    assert all(a.stop <= b.start for a, b in zip(parts, parts[1:]))
    assert list(split_seeds("val", 2, start=5)) == [1_000_005, 1_000_006]
    with pytest.raises(ValueError, match="split"):
        split_seeds("training", 3)
    with pytest.raises(ValueError, match="1 000 000"):
        split_seeds("test", 10, start=999_995)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_draws_the_same_to_one_grey_level() -> None:
    for seed in (0, 1, 2):
        here, there = scene(seed), scene(seed, device="cuda")
        for name in ("rgb", "rgb_next", "ir", "ir_next"):
            assert (here[name] - there[name].cpu()).abs().max() <= 1.01 / 255
        same = (here["labels"] == there["labels"].cpu()).float().mean()
        assert same > 0.9999
        assert (here["flow"] - there["flow"].cpu()).abs().median() < 1e-4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_named() -> None:
    with pytest.raises(ValueError, match="CUDA"):
        scene(0, size=SIZE, device="cuda")


def test_a_row_of_pixels_on_the_horizon_is_sky():
    """Seed 45 nods so that at 96 rows the second view's horizon falls on a pixel row, but for a rounding error."""
    found = scene(45, size=(96, 128), fields=("rgb", "rgb_next", "ir", "ir_next", "flow"))
    for name, image in found.items():
        assert image.isfinite().all(), name
