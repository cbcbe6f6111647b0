"""Chapter 7 on real pictures: nothing of a test set among what it trains on, and the full sets in their own layouts."""

import pytest
import torch
import torch.nn.functional as F
from as_program import record_of
from paper_trees import fmb, mfnet, msrs_full

from mmlib.data import available, load
from mmlib.images import luma


@pytest.mark.slow
@pytest.mark.parametrize("made, classes", [(fmb, 15), (msrs_full, 9)])
def test_a_full_set_in_its_own_layout_is_trained_and_scored(tmp_path, made, classes):
    made(tmp_path)
    record = record_of(tmp_path, "07", made.__name__, variant="segmif")
    test = record["values"]["test"]
    assert (record["data"], test["split"]) == (f"{made.__name__}-png", "test 2") and len(test["iou"]) == classes
    assert 0 <= test["miou"] <= 1 and 0 <= test["miou_without_background"] <= 1


@pytest.mark.slow
def test_two_processes_train_on_mfnet_in_its_own_layout_and_one_writes(tmp_path):
    train = " ".join(f"{number:05d}{'DN'[number % 2]}" for number in range(1, 9))
    mfnet(tmp_path, {"train": train, "test": "00011N 00012D"})
    record = record_of(tmp_path, "07", "mfnet", processes=2)
    test = record["values"]["test"]
    assert (record["data"], test["split"]) == ("mfnet-png", "test 2") and len(test["iou"]) == 9
    assert 0 <= test["miou"] <= 1
    assert record["training"]["steps"] == 16 + 3 * 5, "half of 32 before the rounds, and three rounds of whole steps"
    assert len(record["values"]["learning"]["distance"]) == 2


def thumbnails(pairs):
    """Every picture of a set, visible and infrared, as 24 x 32 greys of mean 0 and length 1.

    To read a pair checks that both of its pictures have the same size, and this test reads all that there are.
    """
    greys = []
    for pair in pairs:
        assert pair["rgb"].shape[1] > 100
        for grey in (luma(pair["rgb"][None]), pair["ir"][None]):
            small = F.interpolate(grey, size=(24, 32), mode="area").flatten()
            greys.append(F.normalize(small - small.mean(), dim=0))
    return torch.stack(greys)


@pytest.mark.slow
def test_no_test_picture_is_among_those_it_trains_on(shared_data, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    names = [name for name in ("vifb", "tno", "msrs") if available(name)]
    if not names or not available("roadscene"):
        pytest.skip("no RoadScene, or nothing to test on: data_scripts/ obtains them")
    learned = thumbnails(load("roadscene"))
    assert (learned @ learned[:2].T).amax(dim=0) == pytest.approx(1.0, abs=1e-5)  # it would be seen
    for name in names:
        assert (thumbnails(load(name)) @ learned.T).max() < 0.98, name
