"""After augmentation every field of a batch still tells the same story; a field handled naively would not."""

import math

import pytest
import torch

from mmlib import data, scenes
from mmlib import flow as mf
from mmlib.augment import Augment, mirror, transform

H, W = 48, 64
TURN = torch.tensor([[0.02, -0.03], [0.03, 0.01]])
MOTION = torch.tensor([3.0, -2.0])
TENSORS = ("rgb", "rgb_next", "ir", "labels", "instances", "depth", "flow", "occlusion")


def texture(channels: int, seed: int) -> torch.Tensor:
    """Smooth blotches, (1, channels, H, W) in [0, 1], so that a look-up between pixels stays close to the truth."""
    coarse = torch.rand(1, channels, 7, 9, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(H, W), mode="bicubic", align_corners=True).clamp(0, 1)


def motion(points: torch.Tensor) -> torch.Tensor:
    """The flow at points (B, 2, H, W): affine, so that it is known everywhere and differs from place to place."""
    return torch.einsum("ij,bjhw->bihw", TURN.to(points), points) + MOTION.to(points).view(1, 2, 1, 1)


def world(seed: int = 0) -> dict:
    """One sample: a texture that turns and grows a little around a corner, with two still objects on it."""
    flow = motion(mf.pixel_grid(H, W))
    rgb_next = texture(3, seed)
    instances = torch.zeros(1, H, W, dtype=torch.long)
    instances[0, 10:22, 5:14] = 1
    instances[0, 28:40, 44:60] = 2
    one, two = instances[0] == 1, instances[0] == 2
    return {
        "rgb": mf.warp(rgb_next, flow, padding="border"),
        "rgb_next": rgb_next,
        "ir": texture(1, seed + 100),
        "labels": torch.where(instances > 0, 10, 3),
        "instances": instances,
        "depth": torch.where(instances[:, None] > 0, 5.0, math.inf),
        "flow": flow,
        "occlusion": ~mf.valid_mask(flow),
        "boxes": [torch.tensor([[5.0, 10, 14, 22], [44, 28, 60, 40]])],
        "box_labels": [torch.tensor([10, 9])],
        "expressions": [
            [
                scenes.Expression("the road", instances[0] == 0, "class"),
                scenes.Expression("the leftmost car", one, "place", (1,), (1,)),
                scenes.Expression("the largest car", two, "size", (2,), (2,)),
                scenes.Expression("all cars", one | two, "group", (1, 2), (1, 2)),
                scenes.Expression("the car", two, "class", (2,), (1, 2)),
            ]
        ],
        "name": [f"street {seed}"],
    }


def batch_of(count: int) -> dict:
    samples = [world(seed) for seed in range(count)]
    return {
        key: torch.cat([s[key] for s in samples]) if key in TENSORS else sum((s[key] for s in samples), [])
        for key in samples[0]
    }


def misalignment(batch: dict, flow: torch.Tensor | None = None) -> float:
    """Mean |warp(rgb_next, flow) - rgb| over pixels that are visible in both frames, away from their rim."""
    clear = ~batch["occlusion"]
    if "valid" in batch:
        clear = clear & batch["valid"]
    seen = torch.nn.functional.max_pool2d((~clear).float()[:, None], 5, 1, 2)[:, 0] == 0
    error = (mf.warp(batch["rgb_next"], batch["flow"] if flow is None else flow) - batch["rgb"]).abs().mean(dim=1)
    return float(error[seen].mean())


def shift_left(pixels: float) -> torch.Tensor:
    matrix = torch.eye(3)[None]
    matrix[0, 0, 2] = -pixels
    return matrix


def same(a: dict, b: dict) -> bool:
    return all(a[key].equal(b[key]) for key in a if isinstance(a[key], torch.Tensor))


KINDS = {
    "flip": Augment(flip=1.0),
    "rotate": Augment(flip=0.0, rotate=25.0),
    "magnify": Augment(flip=0.0, scale=(1.3, 1.3)),
    "shrink": Augment(flip=0.0, scale=(0.7, 0.7), crop=False),
    "crop": Augment(size=(32, 40), flip=0.0),
    "all": Augment(size=(40, 56), scale=(0.8, 1.5), rotate=10.0, visible=0.0),
}
each_kind = pytest.mark.parametrize("augment", KINDS.values(), ids=KINDS)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(3)


# --- flow ------------------------------------------------------------------------------------------------------------


@each_kind
def test_the_flow_still_aligns_the_frames(augment):
    before = batch_of(2)
    assert misalignment(before) < 1e-6
    assert misalignment(augment(before)) < 0.004


@pytest.mark.parametrize("kind", ["flip", "rotate", "magnify", "shrink"])
def test_vectors_that_are_moved_but_not_turned_are_caught(kind):
    matrix = KINDS[kind].draw(1, (H, W))
    after = transform(world(), matrix, (H, W))
    back = torch.linalg.inv(matrix)[:, :2, :2].float()
    naive = torch.einsum("bij,bjhw->bihw", back, after["flow"])
    assert misalignment(after, naive) > 4 * misalignment(after)


def test_the_flow_of_an_affine_motion_is_exact_after_any_map():
    matrix = Augment(flip=1.0, rotate=20.0, scale=(1.2, 1.2)).draw(1, (H, W))
    after = transform(world(), matrix, (H, W))
    linear, shift = matrix[:, :2, :2], matrix[:, :2, 2].view(1, 2, 1, 1)
    back = torch.einsum("bij,bjhw->bihw", torch.linalg.inv(linear), mf.pixel_grid(H, W).double() - shift)
    expected = torch.einsum("bij,bjhw->bihw", linear, motion(back))
    x, y = back.unbind(dim=1)
    between_centres = (x >= 0) & (x <= W - 1) & (y >= 0) & (y <= H - 1)
    error = (after["flow"] - expected).norm(dim=1)[between_centres]
    assert len(error) > H * W / 2 and error.max() < 2e-5


def test_motion_boundaries_are_not_blended():
    flow = torch.zeros(1, 2, H, W)
    flow[..., 32:] = 10.0
    after = Augment(flip=0.0, scale=(1.37, 1.37))({"flow": flow})
    vectors = after["flow"] / 1.37
    assert torch.minimum(vectors.abs(), (vectors - 10).abs()).max() < 1e-5


def test_unknown_flow_stays_unknown_and_does_not_spread():
    before = world()
    before["flow"][0, :, 5, 7] = math.nan
    after = KINDS["flip"](before)
    assert after["flow"].isnan().nonzero().tolist() == [[0, 0, 5, W - 8], [0, 1, 5, W - 8]]
    assert after["occlusion"][0, 5, W - 8]
    doubled = transform(before, torch.diag(torch.tensor([2.0, 2.0, 1.0]))[None], (H, W))
    assert int(doubled["flow"].isnan().sum()) <= 2 * 9


def test_real_motion_survives_a_mirror_and_a_turn(shared_data, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    batch = data.collate([data.load("middlebury")["RubberWhale"]])
    batch["occlusion"] = ~batch["valid"]
    frame = tuple(batch["rgb"].shape[-2:])
    matrix = Augment(flip=1.0, rotate=8.0).draw(1, frame)
    after = transform(batch, matrix, frame)
    naive = torch.einsum("bij,bjhw->bihw", torch.linalg.inv(matrix)[:, :2, :2].float(), after["flow"])
    assert misalignment(after) < 1.2 * misalignment(batch)
    assert misalignment(after, naive) > 2 * misalignment(after)


# --- pixels ----------------------------------------------------------------------------------------------------------


def test_a_flip_is_an_exact_mirror_and_two_are_nothing():
    before = batch_of(2)
    once = KINDS["flip"](before)
    for key in ("rgb", "rgb_next", "ir", "labels", "instances", "depth"):
        assert once[key].equal(before[key].flip(-1))
    u, v = before["flow"].flip(-1).unbind(dim=1)
    assert once["flow"].equal(torch.stack([-u, v], dim=1))
    assert once["valid"].all()
    twice = KINDS["flip"](once)
    assert all(twice[key].equal(before[key]) for key in TENSORS)
    assert all(a.equal(b) for a, b in zip(twice["boxes"], before["boxes"]))
    assert [e.text for e in twice["expressions"][0]] == [e.text for e in before["expressions"][0]]


def test_a_crop_copies_pixels_from_anywhere():
    before = {"rgb": torch.rand(1, 3, 8, 9).expand(300, -1, -1, -1)}
    after = Augment(size=(6, 8))(before)["rgb"]
    windows = before["rgb"][0].unfold(1, 6, 1).unfold(2, 8, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)  # (3 * 2, 3, 6, 8)
    windows = torch.cat([windows, windows.flip(-1)])
    equal = (after[:, None] == windows).flatten(2).all(dim=2)
    assert equal.any(dim=1).all() and equal.any(dim=0).all()


@each_kind
def test_labels_rgb_ir_and_depth_move_together(augment):
    before = {k: v for k, v in world().items() if k != "boxes"}  # without boxes, instances keep their numbers
    card = (before["instances"][:, None] == 2).float()
    after = augment(before | {"rgb": card.expand(-1, 3, -1, -1), "ir": card})
    assert torch.allclose(after["rgb"][:, :1], after["ir"], atol=1e-6)
    inside = after["valid"]
    sure = inside & ((after["ir"][:, 0] - 0.5).abs() > 0.45)
    assert sure.float().mean() > 0.2
    assert ((after["ir"][:, 0] > 0.5) == (after["instances"] == 2))[sure].all()
    thing = after["instances"] > 0
    assert after["labels"][inside].equal(torch.where(thing, 10, 3)[inside])
    assert after["depth"][:, 0][inside].equal(torch.where(thing, 5.0, math.inf)[inside])


@each_kind
def test_ids_are_never_blended_and_dtypes_stay(augment):
    before = batch_of(3)
    after = augment(before | {"occlusion": torch.zeros(3, H, W, dtype=torch.bool)})
    assert set(after["labels"].unique().tolist()) <= {3, 10, 255}
    assert set(after["instances"].unique().tolist()) <= {0, 1, 2}
    for key in TENSORS:
        assert after[key].dtype == before[key].dtype and after[key].ndim == before[key].ndim
        assert after[key].shape[-2:] == (augment.size or (H, W))
    assert after["name"] == before["name"] and before["rgb"].shape == (3, 3, H, W)


def test_outside_is_ignored_not_road():
    after = Augment(flip=0.0, scale=(0.5, 0.5), crop=False, colour=0.5, noise=0.1)(world())
    outside = ~after["valid"][0]
    assert int((~outside).sum()) == (H // 2) * (W // 2)
    assert after["labels"][0, outside].eq(255).all() and after["instances"][0, outside].eq(0).all()
    assert after["rgb"][0, :, outside].eq(0).all() and after["depth"][0, 0, outside].isinf().all()
    assert after["flow"][0, :, outside].eq(0).all() and after["occlusion"][0, outside].all()


def test_masks_and_fields_of_the_next_frame_move_too():
    before = world()
    card = before["instances"] == 1
    batch = {"labels": before["labels"], "labels_next": before["labels"], "mask": card, "mask_next": card}
    after = Augment(size=(60, 80), rotate=9.0, flip=1.0)(batch)
    assert after["labels_next"].equal(after["labels"])
    assert after["mask"].equal(after["mask_next"]) and after["mask"].any()
    assert not (after["mask"] & ~after["valid"]).any()


# --- boxes -----------------------------------------------------------------------------------------------------------


def tight(instances: torch.Tensor, which: int) -> list[float]:
    y, x = (instances == which).nonzero().unbind(dim=1)
    return [float(x.min()), float(y.min()), float(x.max()) + 1, float(y.max()) + 1]


def test_a_flipped_box_is_not_off_by_one():
    after = KINDS["flip"]({"rgb": torch.zeros(1, 3, H, W), "boxes": [torch.tensor([[0.0, 0, W, H], [1, 2, 3, 4]])]})
    assert after["boxes"][0].tolist() == [[0, 0, W, H], [W - 3, 2, W - 1, 4]]


@pytest.mark.parametrize("augment", [KINDS["flip"], Augment(size=(30, 44), visible=0.0)], ids=["flip", "crop"])
def test_boxes_are_tight_around_their_instances(augment):
    after = augment(batch_of(8))
    assert sum(len(boxes) for boxes in after["boxes"]) > 8
    for instances, boxes in zip(after["instances"], after["boxes"]):
        assert len(boxes) == int(instances.max())
        assert boxes.tolist() == [tight(instances, k + 1) for k in range(len(boxes))]


def test_boxes_hold_their_instances_after_any_map():
    after = KINDS["all"](batch_of(8))
    for instances, boxes in zip(after["instances"], after["boxes"]):
        for k in set(instances.unique().tolist()) - {0}:
            x0, y0, x1, y1 = tight(instances, k)
            left, top, right, bottom = boxes[k - 1].tolist()
            assert left <= x0 + 0.5 and top <= y0 + 0.5 and right >= x1 - 0.5 and bottom >= y1 - 0.5


@pytest.mark.parametrize("with_instances", [True, False])
def test_boxes_are_clipped_and_dropped_with_their_labels(with_instances):
    before = world()
    if not with_instances:
        del before["instances"]
    after = transform(before, shift_left(10), (H, W))  # the first box keeps 4 of its 9 columns
    assert after["boxes"][0].tolist() == [[0, 10, 4, 22], [34, 28, 50, 40]]
    assert after["box_labels"][0].tolist() == [10, 9]
    after = transform(before, shift_left(10), (H, W), visible=0.5)
    assert after["boxes"][0].tolist() == [[34, 28, 50, 40]] and after["box_labels"][0].tolist() == [9]
    assert not with_instances or after["instances"].unique().tolist() == [0, 1]
    assert len(transform(before, shift_left(14), (H, W), visible=0.0)["boxes"][0]) == 1
    assert len(before["boxes"][0]) == 2 and len(before["box_labels"][0]) == 2


def test_growing_and_shrinking_is_not_vanishing():
    for scale in (0.5, 1.1):
        matrix = torch.diag(torch.tensor([scale, scale, 1.0]))[None]
        assert len(transform(world(), matrix, (H, W), visible=0.8)["boxes"][0]) == 2


def test_a_sample_without_boxes():
    before = world() | {"boxes": [torch.zeros(0, 4)], "box_labels": [torch.zeros(0, dtype=torch.long)]}
    with pytest.raises(ValueError, match="instance 2 has no box"):
        KINDS["flip"](before)
    before |= {"instances": torch.zeros(1, H, W, dtype=torch.long), "expressions": [[]]}
    after = KINDS["all"](before)
    assert after["boxes"][0].shape == (0, 4) and after["box_labels"][0].shape == (0,) and after["expressions"] == [[]]


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mirrored"),
    [
        ("the leftmost car", "the rightmost car"),
        ("Left of the sign", "Right of the sign"),
        ("the car that moves right, left of the wall", "the car that moves left, right of the wall"),
        ("a left-hand lane, leftwards", "a right-hand lane, rightwards"),
        ("the car on the left", "the car on the right"),
        ("the person that moves left", "the person that moves right"),
        ("the car turning right at the sign", "the car turning left at the sign"),
        ("the left car and the bottom-right sign", "the right car and the bottom-left sign"),
        ("from left to right", "from right to left"),
    ],
)
def test_mirror(text, mirrored):
    assert mirror(text) == mirrored and mirror(mirrored) == text


@pytest.mark.parametrize(
    "text",
    [
        "the bright upright person who leftover",
        "the man who left",
        "the car has the right of way",
        "the car right next to the tree",
        "right behind the sign",
        "the right way",
        "lefty",
        "the copyright sign",
    ],
)
def test_what_names_no_side_is_not_mirrored(text):
    assert mirror(text) == text


def test_expressions_follow_a_flip_and_vanish_with_their_object():
    flipped = KINDS["flip"](world())
    told = {e.text: e for e in flipped["expressions"][0]}
    assert list(told) == ["the road", "the rightmost car", "the largest car", "all cars", "the car"]
    assert told["the rightmost car"].mask.equal(flipped["instances"][0] == 1)
    after = transform(world(), shift_left(10), (H, W), visible=0.5)
    told = {e.text: e for e in after["expressions"][0]}
    assert list(told) == ["the road", "all cars", "the car"]
    assert told["all cars"].instances == told["the car"].candidates == (1,)
    assert told["the car"].mask.equal(after["instances"][0] == 1)
    gone = {k: v for k, v in world().items() if k not in ("boxes", "instances")}
    assert "the leftmost car" not in [e.text for e in transform(gone, shift_left(20), (H, W))["expressions"][0]]


def test_a_street_stays_true():
    before = scenes.scenes(scenes.split_seeds("train", 2), size=(96, 192))
    after = Augment(size=(80, 160), flip=1.0, scale=(0.9, 1.4), colour=0.0)(before)
    assert misalignment(after) < 1.5 * misalignment(before) + 0.005
    for labels, ids, boxes, classes, expressions in zip(
        *(after[key] for key in ("labels", "instances", "boxes", "box_labels", "expressions"))
    ):
        assert int(ids.max()) <= len(boxes) == len(classes)
        assert all(labels[ids == k + 1].eq(c).all() for k, c in enumerate(classes))
        for expression in expressions:
            assert expression.mask.any() and set(expression.instances) <= set(expression.candidates)


# --- drawing ---------------------------------------------------------------------------------------------------------

FULL = Augment(size=(40, 56), scale=(0.8, 1.25), rotate=10.0, colour=0.3, noise=0.05)


def test_the_seed_decides_and_samples_differ():
    batch = {k: v.expand(4, *v.shape[1:]) for k, v in world().items() if k in TENSORS}
    torch.manual_seed(7)
    first, second = FULL(batch), FULL(batch)
    torch.manual_seed(7)
    assert same(first, FULL(batch))
    assert not same(first, second) and not first["rgb"][0].equal(first["rgb"][1])
    torch.manual_seed(7)
    assert FULL({"labels": batch["labels"]})["labels"].equal(first["labels"]), "whatever else the batch holds"


def test_a_sample_moves_the_same_in_a_batch_of_one_and_of_eight():
    batch, matrix = batch_of(8), KINDS["all"].draw(8, (H, W))
    together = transform(batch, matrix, (40, 56))
    for i in range(8):
        alone = transform({key: value[i : i + 1] for key, value in batch.items()}, matrix[i : i + 1], (40, 56))
        assert all(alone[key][0].equal(together[key][i]) for key in (*TENSORS, "valid"))
        assert alone["boxes"][0].equal(together["boxes"][i])


@pytest.mark.parametrize("augment", [KINDS["flip"], FULL], ids=["flip", "full"])
def test_mixed_precision_changes_nothing(augment):
    before = world()
    torch.manual_seed(7)
    expected = augment(before)
    torch.manual_seed(7)
    with torch.autocast("cpu", torch.bfloat16):
        assert same(augment(before), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_moves_the_same():
    augment = Augment(size=(40, 56), scale=(0.8, 1.25), rotate=10.0, colour=0.3)
    batch = {k: v for k, v in batch_of(4).items() if k != "expressions"}
    there = {k: v.cuda() if k in TENSORS else [b.cuda() for b in v] for k, v in batch.items() if k != "name"}
    torch.manual_seed(7)
    expected = augment(batch)
    torch.manual_seed(7)
    after = augment(there)
    for key in ("rgb", "rgb_next", "ir", "flow"):
        assert ((after[key].cpu() - expected[key]).abs() < 1e-3).float().mean() > 0.999
    assert (after["labels"].cpu() == expected["labels"]).float().mean() > 0.999
    assert all(torch.allclose(a.cpu(), b, atol=1e-3) for a, b in zip(after["boxes"], expected["boxes"]))


def test_kornia_itself_gives_the_same_picture():
    import kornia.augmentation as K

    augment = Augment(scale=(0.8, 1.25), rotate=10.0, crop=False)
    flip = K.RandomHorizontalFlip(p=0.5)
    affine = K.RandomAffine(10.0, scale=(0.8, 1.25), p=1.0, align_corners=True)
    theirs = K.AugmentationSequential(flip, affine, data_keys=["input", "mask"])
    batch = batch_of(6)
    torch.manual_seed(5)
    after = augment({"rgb": batch["rgb"], "labels": batch["labels"]})
    torch.manual_seed(5)
    rgb, labels = theirs(batch["rgb"], batch["labels"][:, None].float())
    rim = torch.nn.functional.pad((~after["valid"]).float(), (2, 2, 2, 2), value=1.0)  # Kornia blends with black there
    inner = torch.nn.functional.max_pool2d(rim[:, None], 5, 1)[:, 0] == 0
    assert inner.float().mean() > 0.5
    assert (after["rgb"] - rgb).abs().amax(dim=1)[inner].max() < 1e-4
    assert (after["labels"] == labels[:, 0])[inner].float().mean() > 0.999


def test_draws_cover_what_was_asked_for():
    matrix = Augment(size=(4, 4), scale=(0.5, 2), rotate=5).draw(400, (8, 8))
    assert 150 < int((torch.linalg.det(matrix[:, :2, :2]) < 0).sum()) < 250
    scale = torch.linalg.det(matrix[:, :2, :2]).abs().sqrt()
    assert 0.5 <= scale.min() < 0.55 and 1.9 < scale.max() <= 2.0
    placed = Augment(size=(10, 20), flip=0.0, scale=(1.5, 1.5)).draw(400, (20, 40))
    corner = placed[:, :2, 2]  # of the scaled picture's first pixel's centre
    assert corner.amax(dim=0).tolist() == pytest.approx([0.25, 0.25], abs=1)
    assert corner.amin(dim=0).tolist() == pytest.approx([20 - 60 + 0.25, 10 - 30 + 0.25], abs=1)


# --- colours ---------------------------------------------------------------------------------------------------------


def test_colours_change_the_images_and_nothing_else():
    before = world()
    after = Augment(flip=0.0, colour=0.3, noise=0.02)(before)
    for key in ("rgb", "rgb_next", "ir"):
        assert not after[key].equal(before[key]) and after[key].shape == before[key].shape
        assert after[key].min() >= 0 and after[key].max() <= 1
    for key in ("labels", "instances", "flow", "occlusion", "depth"):
        assert after[key].equal(before[key])
    assert same({k: Augment(flip=0.0)(before)[k] for k in TENSORS}, before)


def test_the_two_frames_share_their_colours_but_not_their_noise():
    still = texture(3, 0)
    changed = still.clone()
    changed[..., : W // 2] = 0.0  # what stays the same keeps its look, whatever else comes into the picture
    after = Augment(flip=0.0, colour=0.3)({"rgb": still, "rgb_next": changed})
    assert after["rgb"][..., W // 2 :].equal(after["rgb_next"][..., W // 2 :])
    after = Augment(flip=0.0, noise=0.1)({"rgb": still, "rgb_next": still})
    assert not after["rgb"].equal(after["rgb_next"])


def test_the_infrared_image_has_a_draw_of_its_own():
    grey = texture(1, 0)
    after = Augment(flip=0.0, colour=0.3)({"rgb": grey.expand(-1, 3, -1, -1), "ir": grey, "ir_next": grey})
    assert not torch.allclose(after["rgb"][:, :1], after["ir"], atol=1e-3)
    assert after["ir"].equal(after["ir_next"])


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"size": (0, 4)}, {"flip": 1.5}, {"scale": (2, 1)}, {"rotate": -1}, {"colour": 2.0}, {"noise": -0.1}]
)
def test_wrong_options_are_explained(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augment(**wrong)


def test_wrong_batches_are_explained():
    augment = KINDS["flip"]
    with pytest.raises(ValueError, match="batch"):
        augment({"rgb": torch.zeros(3, H, W)})
    with pytest.raises(TypeError, match="from_uint8"):
        augment({"rgb": torch.zeros(1, 3, H, W, dtype=torch.uint8)})
    with pytest.raises(ValueError, match="must share"):
        augment({"rgb": torch.zeros(1, 3, H, W), "ir": torch.zeros(1, 1, H, W - 1)})
    with pytest.raises(ValueError, match="no field with pixels"):
        augment({"name": ["a"]})
    with pytest.raises(ValueError, match="unknown field 'heat'"):
        augment({"rgb": torch.zeros(1, 3, H, W), "heat": torch.zeros(1, 1, H, W)})
    with pytest.raises(ValueError, match="matrix"):
        transform(world(), torch.eye(3), (H, W))
