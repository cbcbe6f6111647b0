"""Streets kept on disk are the streets that the generator draws, to the last bit, and nothing half-written is read."""

import pytest
import torch

from mmlib.scenes import Knobs, drawn, scenes, split_seeds

FIELDS = ("rgb", "ir", "labels", "flow", "instances")
SEEDS = split_seeds("train", 2)


def test_equals_the_generator_bit_for_bit_when_drawn_and_when_read(tmp_path):
    knobs = Knobs(time="night", camouflage=0.5)
    want = scenes(SEEDS, size=(48, 64), knobs=knobs, fields=FIELDS)
    for _ in range(2):
        got = drawn(SEEDS, size=(48, 64), knobs=knobs, fields=FIELDS, folder=tmp_path)
        assert got.keys() == want.keys()
        assert all(torch.equal(got[name], want[name]) and got[name].dtype == want[name].dtype for name in FIELDS)
    assert len(list(tmp_path.glob("*.safetensors"))) == 1


def test_other_streets_lie_in_other_files(tmp_path):
    same = {"size": (48, 64), "fields": ("labels",), "folder": tmp_path}
    drawn(SEEDS, **same)
    drawn(SEEDS, knobs=Knobs(time="day"), **same)
    drawn(SEEDS[:1], **same)
    drawn(SEEDS, **(same | {"size": (48, 80)}))
    assert len(list(tmp_path.glob("*.safetensors"))) == 4


def test_what_is_not_one_tensor_per_street_is_refused(tmp_path):
    with pytest.raises(ValueError, match="got 'boxes'; next: draw these with scenes"):
        drawn(SEEDS, size=(48, 64), fields=("rgb", "boxes"), folder=tmp_path)
