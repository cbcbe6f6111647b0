"""Fused images over many pairs, agreement with derived masks, floors and ceilings, and windows of real pairs."""

import pytest
import torch

from mmlib.data.dataset import Dataset
from mmlib.data.windows import whole, windows
from mmlib.metrics.bounds import bounds, scores
from mmlib.metrics.fusion import evaluate
from mmlib.metrics.pairs import agreement, covered, mean_rank, measure_fused, rank

CLASSES = ("road", "person", "car")


def pair(seed, size=(24, 32)):
    dice = torch.Generator().manual_seed(seed)
    return torch.rand(1, 1, *size, generator=dice), torch.rand(1, 1, *size, generator=dice)


def test_every_kind_of_every_pair_is_measured():
    samples = []
    for seed in (1, 2):
        vis, ir = pair(seed)
        samples.append((f"pair {seed}", {"average": (vis + ir) / 2, "visible": vis}, vis, ir))
    found = measure_fused(iter(samples), "dominant", ("en", "mi", "cc"))
    assert found["names"] == ["pair 1", "pair 2"] and set(found["mean"]) == {"average", "visible"}
    for number, (_, images, vis, ir) in enumerate(samples):
        for kind, image in images.items():
            want = evaluate(image, vis, ir, metrics=("en", "mi", "cc"), convention="dominant")
            for metric, value in want.items():
                assert found["pictures"][kind][metric][number] == pytest.approx(float(value))
    values = found["pictures"]["average"]["mi"]
    assert found["mean"]["average"]["mi"] == pytest.approx(sum(values) / 2)


def test_a_metric_that_is_not_defined_is_none_and_not_nan():
    vis, ir = pair(3)
    found = measure_fused([("x", {"average": vis / 2}, vis, 0 * ir)], "dominant", ("en", "scd"))
    assert found["mean"]["average"]["scd"] is None and found["mean"]["average"]["en"] > 0


def test_agreement_by_hand():
    mask = torch.tensor([[1, 1, 0, 2], [0, 3, 255, 2]])
    found = torch.tensor([[2, 0, 0, 1], [2, 1, 1, 0]])  # ours: road, person, car; theirs: 1 is a car, 2 a person
    made = agreement([("night", found, mask)], CLASSES, {"car": 1, "person": 2}, 3)
    # cars: 1 common, 1 missed, 1 too many; people: 1 common, 1 missed; the 3 and the 255 don't count
    assert made == {"night": {"1": pytest.approx(1 / 3), "2": pytest.approx(1 / 2)}}
    two = agreement([("night", found, mask), ("night", found, mask), ("day", found, mask * 0)], CLASSES, {"car": 1}, 2)
    assert set(two) == {"night", "day"} and two["day"]["1"] == 0.0


def test_boxes_that_a_prediction_shows():
    found = torch.zeros(8, 8, dtype=torch.int64)
    found[0:2, 0:2] = 1
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 5, 4], [4, 4, 8, 8], [0, 0, 2, 2]])
    shown = covered(found, boxes, torch.tensor([0, 0, 0, 1]), twins=(1, 2), share=0.25)
    assert shown.tolist() == [True, False, False, False]


def test_ranks():
    assert rank({"a": 3.0, "b": 1.0, "c": 3.0}, True) == {"a": 1, "b": 3, "c": 1}
    assert rank({"a": 3.0, "b": 1.0}, False) == {"a": 2, "b": 1}
    rows = {"a": {"psnr": 2.0, "mse": 1.0}, "b": {"psnr": 1.0, "mse": 0.5}}
    assert mean_rank(rows, ("psnr", "mse"), {"psnr": True, "mse": False}.__getitem__) == {"a": 1.5, "b": 1.5}


def test_floor_and_ceiling_by_hand():
    learned = torch.tensor([[[0, 1]], [[0, 1]], [[2, 1]]])  # the commonest: road, person
    labels = torch.tensor([[[0, 1]], [[0, 2]]])
    made = bounds(labels, learned, CLASSES, ("person", "car"), grid=1)
    # guess: road and person everywhere; road 1, person 1/2, car 0
    assert made["floor"] == pytest.approx(0.5) and made["floor_movers"] == pytest.approx(0.25)
    assert (made["ceiling"], made["ceiling_movers"]) == (1.0, 1.0)
    thin = torch.zeros(1, 16, 16, dtype=torch.int64)
    thin[0, :, 5] = 1
    assert bounds(thin, thin, CLASSES, ("person",))["ceiling_movers"] < 0.5, "what is thinner than the grid is lost"


def test_scores_leave_out_what_never_occurs():
    labels = torch.tensor([[[0, 1, 255]]])
    found = scores(labels, torch.tensor([[[0, 1, 2]]]), CLASSES, ("person", "car"))
    assert found["iou"] == {"road": 1.0, "person": 1.0, "car": None} and found["movers"] == 1.0 == found["miou"]


def real(sizes):
    """A set of pairs in which the visible image is twice the infrared one, so that a wrong cut would be seen."""
    images = {str(k): torch.rand(1, *size, generator=torch.Generator().manual_seed(k)) for k, size in enumerate(sizes)}
    readers = {
        "rgb": lambda name: images[name].expand(3, -1, -1),
        "ir": lambda name: images[name] / 2,
        "labels": lambda name: (images[name][0] > 0.5).long(),
    }

    def read(name, fields):
        return {field: readers[field](name) for field in fields}

    return Dataset("toy", None, "toy-original", tuple(images), tuple(readers), read), images


def test_windows_are_cut_alike_from_both_images_and_small_pairs_are_enlarged():
    pairs, images = real([(20, 30), (12, 40), (10, 10)])
    made = windows(pairs, (12, 16), seed=3)
    assert made["rgb"].shape == (3, 3, 12, 16) and made["ir"].shape == (3, 1, 12, 16)
    assert torch.allclose(made["rgb"][:, :1], 2 * made["ir"], atol=1e-5)
    assert torch.equal(made["labels"][0], (made["rgb"][0, 0] > 0.5).long()), "labels move along"
    without = windows(pairs.select("rgb", "ir"), (12, 16), seed=3)
    assert torch.equal(without["rgb"], made["rgb"]) and (without["labels"] == 255).all(), "no labels: ignore"
    big = images["0"].unfold(1, 12, 1).unfold(2, 16, 1)[0]  # every window of the first pair
    assert (big == made["rgb"][0, 0]).all(dim=(2, 3)).any(), "nothing is blended where nothing was enlarged"
    again, other = windows(pairs, (12, 16), seed=3), windows(pairs, (12, 16), seed=4)
    assert torch.equal(again["rgb"], made["rgb"]) and not torch.equal(other["rgb"], made["rgb"])


def test_a_labelled_set_is_stacked_whole():
    pairs, images = real([(6, 8), (6, 8)])
    made = whole(pairs)
    assert made["rgb"].shape == (2, 3, 6, 8) and torch.equal(made["ir"][1], images["1"] / 2)
    assert torch.equal(made["labels"][0], (images["0"][0] > 0.5).long())
