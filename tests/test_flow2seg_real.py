"""Chapter 6 on a real drive: classes are translated by name, and every frame arrives at the size of our streets."""

import pytest
import torch

from mmlib.data import available
from mmlib.data.camvid import CLASSES as CAMVID
from mmlib.data.twins import CAMVID_TWINS, drive, renamed
from mmlib.scenes import CLASSES


def test_every_twin_exists_and_is_one_classs_only():
    assert set(CAMVID_TWINS) <= set(CLASSES) and set(CAMVID_TWINS.values()) <= set(CAMVID)
    assert len(set(CAMVID_TWINS.values())) == len(CAMVID_TWINS)
    assert set(CLASSES) - set(CAMVID_TWINS) == {"wall"} and set(CAMVID) - set(CAMVID_TWINS.values()) == {"pole"}


def test_labels_are_translated_by_name():
    theirs = torch.tensor([[CAMVID.index(c) for c in ("sky", "pole", "bicyclist")] + [255]])
    want = [[CLASSES.index("sky"), 255, CLASSES.index("rider"), 255]]
    assert renamed(theirs).tolist() == want


@pytest.mark.slow
def test_the_clip_is_one_drive(shared_data, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    if not available("camvid_video"):
        pytest.skip("no camvid_video: python data_scripts/obtain.py camvid")
    clip = drive((48, 64))
    assert {name: tuple(value.shape) for name, value in clip.items()} == {
        "rgb": (100, 3, 48, 64),
        "rgb_next": (100, 3, 48, 64),
        "labels": (100, 48, 64),
    }
    assert torch.equal(clip["rgb"][1], clip["rgb_next"][0]), "each frame's next one is the next frame"
    road = clip["labels"][:, -8:] == CLASSES.index("road")
    assert road.float().mean() > 0.5 and not (clip["labels"] == CLASSES.index("wall")).any()
