"""Padding, cropping, resizing and stacking keep a sample true; MiniStreet through the common interface."""

import math
from functools import partial

import pytest
import torch

from mmlib import data, scenes
from mmlib.scenes import Expression


def sample(height=6, width=8, name="s"):
    """One sample with every kind of field, its pixels numbered so that a shift cannot hide."""
    ramp = torch.arange(height * width, dtype=torch.float32).reshape(1, height, width)
    mask = torch.zeros(height, width, dtype=torch.bool)
    mask[2:4, 2:5] = True
    return {
        "name": name,
        "rgb": (ramp / ramp.max()).repeat(3, 1, 1),
        "ir": ramp / ramp.max(),
        "labels": ramp[0].long() % 5,
        "mask": mask,
        "valid": torch.ones(height, width, dtype=torch.bool),
        "flow": torch.stack([torch.full((height, width), 2.0), torch.full((height, width), -3.0)]),
        "depth": ramp + 1,
        "boxes": torch.tensor([[2.0, 2.0, 5.0, 4.0], [0.0, 0.0, 1.0, 1.0]]),
        "box_labels": torch.tensor([7, 9]),
        "expressions": [Expression("the thing", mask, "class")],
        "fused": {"GFF": (ramp / ramp.max()).repeat(3, 1, 1)},
    }


def test_pad_fills_each_field_with_what_means_nothing():
    out = data.pad(sample(), (7, 10))
    assert {out[k].shape[-2:] for k in ("rgb", "ir", "labels", "mask", "valid", "flow", "depth")} == {(7, 10)}
    assert (out["labels"][6] == 255).all() and not out["valid"][:, 8:].any() and not out["flow"][:, 6].any()
    assert math.isinf(out["depth"][0, 6, 0]) and out["fused"]["GFF"].shape == (3, 7, 10)
    assert torch.equal(out["rgb"][:, :6, :8], sample()["rgb"]) and torch.equal(out["boxes"], sample()["boxes"])
    assert out["expressions"][0].mask.shape == (7, 10)
    with pytest.raises(ValueError, match="s: 6x8 is larger than 5x10; use crop or resize"):
        data.pad(sample(), (5, 10))


def test_crop_moves_boxes_and_drops_what_is_gone():
    out = data.crop(sample(), (3, 4), at=(2, 3))
    assert torch.equal(out["labels"], sample()["labels"][2:5, 3:7])
    assert out["boxes"].tolist() == [[0, 0, 2, 2]] and out["box_labels"].tolist() == [7]
    assert int(out["expressions"][0].mask.sum()) == 4
    assert data.crop(sample(), (2, 2), at=(4, 6))["expressions"] == []
    assert torch.equal(data.crop(sample(), (4, 4))["ir"], sample()["ir"][:, 1:5, 2:6])
    with pytest.raises(ValueError, match=r"a 3x4 window at \(4, 3\) leaves 6x8"):
        data.crop(sample(), (3, 4), at=(4, 3))


def test_resize_scales_vectors_and_boxes_and_keeps_integers():
    out = data.resize(sample(), (12, 4))
    assert out["flow"][:, 5, 2].tolist() == [1, -6]
    assert out["boxes"][0].tolist() == [1, 4, 2.5, 8]
    assert out["labels"].dtype == torch.int64 and set(out["labels"].unique().tolist()) <= set(range(5))
    assert out["mask"].dtype == torch.bool and out["depth"].shape == (1, 12, 4)
    again = data.resize(sample(), (6, 8))
    assert torch.equal(again["labels"], sample()["labels"]) and torch.allclose(again["rgb"], sample()["rgb"])


def made(sizes):
    """Made-up samples with these sizes."""
    return [sample(*size, name=f"s{i}") for i, size in enumerate(sizes)]


def test_batches_stack_tensors_and_keep_boxes_as_lists():
    batch = data.collate(made([(6, 8)] * 2))
    assert batch["name"] == ["s0", "s1"] and batch["rgb"].shape == (2, 3, 6, 8) and batch["labels"].shape == (2, 6, 8)
    assert isinstance(batch["boxes"], list) and len(batch["boxes"]) == len(batch["expressions"]) == 2
    assert batch["fused"]["GFF"].shape == (2, 3, 6, 8)


def test_samples_of_unequal_sizes_must_say_how_to_fit():
    samples = made([(6, 8), (5, 9)])
    with pytest.raises(ValueError, match=r"expected samples of one size, got \[\(5, 9\), \(6, 8\)\]; use collate"):
        data.collate(samples)
    padded = data.collate(samples, fit="pad")
    assert padded["rgb"].shape == (2, 3, 6, 9) and padded["sizes"].tolist() == [[6, 8], [5, 9]]
    assert data.collate(samples, fit="pad", size=(8, 16))["labels"].shape == (2, 8, 16)
    assert data.collate(samples, fit="crop", size=(4, 4))["labels"].shape == (2, 4, 4)
    assert data.collate(samples, fit="resize", size=(8, 8))["labels"].shape == (2, 8, 8)
    for bad in ({"fit": "stretch"}, {"fit": "crop"}):
        with pytest.raises(ValueError, match="expected fit None, 'pad', or 'crop' or 'resize' with a size"):
            data.collate(samples, **bad)


def test_a_torch_dataloader_takes_a_dataset():
    ds = data.load("ministreet", n=3, size=(48, 64), fields=("rgb", "boxes", "box_labels"))
    loader = torch.utils.data.DataLoader(ds, batch_size=2, collate_fn=partial(data.collate, fit="pad", size=(64, 64)))
    assert [batch["rgb"].shape for batch in loader] == [(2, 3, 64, 64), (1, 3, 64, 64)]


def test_samples_with_different_fields_do_not_stack():
    one, other = sample(), sample()
    del other["boxes"]
    with pytest.raises(ValueError, match="same fields"):
        data.collate([one, other])


def test_a_sample_without_pixels_has_no_size():
    with pytest.raises(ValueError, match="no pixel field"):
        data.pad({"name": "a", "boxes": torch.zeros(0, 4)}, (4, 4))


# --- MiniStreet


def test_ministreet_is_the_generator_behind_the_interface():
    ds = data.load("ministreet", split="val", n=3, size=(64, 128))
    assert data.available("ministreet") and len(ds) == 3 and ds.names[0] == "1000000"
    assert ds.classes == scenes.CLASSES and ds.variant == f"ministreet-{scenes.VERSION}"
    drawn, ours = scenes.scene(1_000_001, size=(64, 128)), ds[1]
    assert ours["name"] == "1000001" and set(ours) - {"name"} == set(ds.fields)
    for key in ("rgb", "ir", "labels", "flow", "boxes"):
        assert torch.equal(ours[key], drawn[key]), key


def test_ministreet_fields_batches_and_fingerprint():
    ds = data.load("ministreet", n=2, size=(64, 128), fields=("rgb", "ir", "labels"))
    assert list(ds[0]) == ["name", "rgb", "ir", "labels"]
    assert data.collate(list(ds))["ir"].shape == (2, 1, 64, 128)
    assert list(ds.select("rgb")[0]) == ["name", "rgb"]
    assert ds.fingerprint != data.load("ministreet", n=2, size=(64, 96), fields=("rgb",)).fingerprint
    for bad in ({"split": "dev"}, {"n": 0}, {"fields": ("rgb", "sound")}):
        with pytest.raises(ValueError, match="ministreet"):
            data.load("ministreet", **bad)
