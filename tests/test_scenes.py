"""MiniStreet keeps its promises (first checks; see the other test_scenes files)."""

import torch

from mmlib.scenes import CLASSES, FIELDS, scene, scenes


def test_a_scene_has_every_field_in_its_shape() -> None:
    s = scene(0, size=(64, 128))
    assert tuple(s) == FIELDS
    assert s["rgb"].shape == s["rgb_next"].shape == (3, 64, 128)
    assert s["ir"].shape == s["ir_next"].shape == s["depth"].shape == (1, 64, 128)
    assert s["labels"].shape == s["instances"].shape == s["occlusion"].shape == (64, 128)
    assert s["flow"].shape == (2, 64, 128)
    assert s["labels"].dtype == s["box_labels"].dtype == torch.int64
    assert 0 <= int(s["labels"].min()) and int(s["labels"].max()) < len(CLASSES)


def test_a_batch_holds_the_same_scenes() -> None:
    batch, alone = scenes([3, 4], size=(64, 128)), scene(4, size=(64, 128))
    for name in ("rgb", "ir_next", "labels", "flow"):
        assert torch.equal(batch[name][1], alone[name])
