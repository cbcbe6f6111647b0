"""After augmentation every field of a batch still tells the same story; a field handled naively would not."""

import math
from dataclasses import dataclass, replace

import pytest
import torch

from mmlib import data, scenes
from mmlib import flow as mf
from mmlib.augment import Geometric, Photometric, affine, mirror, transform

H, W = 48, 64
MOTION = (3.0, -2.0)


@dataclass(frozen=True)
class Expression:
    text: str
    mask: torch.Tensor
    kind: str


def texture(channels: int, seed: int) -> torch.Tensor:
    """Smooth blotches, (1, channels, H, W) in [0, 1], so that a look-up between pixels stays close to the truth."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, channels, 7, 9, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(H, W), mode="bicubic", align_corners=True).clamp(0, 1)


def world(seed: int = 0) -> dict:
    """One sample: a texture that turns and grows a little around a corner, with two still objects on it.

    The motion p -> p + u(p) is affine in p, so its flow is known everywhere and differs from place to place.
    """
    grid = mf.pixel_grid(H, W)
    turn = torch.tensor([[0.02, -0.03], [0.03, 0.01]])
    flow = torch.einsum("ij,njhw->nihw", turn, grid) + torch.tensor(MOTION).view(1, 2, 1, 1)
    rgb_next = texture(3, seed)
    instances = torch.zeros(1, H, W, dtype=torch.long)
    instances[0, 10:22, 5:14], instances[0, 28:40, 44:60] = 1, 2
    labels = torch.where(instances > 0, 10, 3)
    return {
        "rgb": mf.warp(rgb_next, flow, padding="border"),
        "rgb_next": rgb_next,
        "ir": texture(1, seed + 100),
        "labels": labels,
        "instances": instances,
        "depth": torch.where(instances[:, None] > 0, 5.0, math.inf),
        "flow": flow,
        "occlusion": ~mf.valid_mask(flow),
        "boxes": [torch.tensor([[5.0, 10, 14, 22], [44, 28, 60, 40]])],
        "box_labels": [torch.tensor([10, 9])],
        "expressions": [
            [
                Expression("the leftmost car", instances[0] == 1, "place"),
                Expression("the car on the right", instances[0] == 2, "place"),
            ]
        ],
        "name": ["a"],
    }


def batch_of(*samples: dict) -> dict:
    join = {k: torch.cat([s[k] for s in samples]) for k, v in samples[0].items() if isinstance(v, torch.Tensor)}
    return {**join, **{k: sum((s[k] for s in samples), []) for k in samples[0] if k not in join}}


def misalignment(batch: dict, flow: torch.Tensor | None = None) -> float:
    """Mean |warp(rgb_next, flow) - rgb| over pixels that are visible in both frames, away from their rim."""
    flow = batch["flow"] if flow is None else flow
    clear = (batch["valid"] & ~batch["occlusion"]) if "valid" in batch else ~batch["occlusion"]
    seen = torch.nn.functional.max_pool2d((~clear).float()[:, None], 5, 1, 2)[:, 0] == 0
    error = (mf.warp(batch["rgb_next"], flow) - batch["rgb"]).abs().mean(dim=1)
    return float(error[seen].mean())


ALL = [
    Geometric(flip=1.0),
    Geometric(flip=0.0, rotate=25.0),
    Geometric(flip=0.0, scale=(1.3, 1.3)),
    Geometric(flip=0.0, scale=(0.7, 0.7), crop="centre"),
    Geometric(size=(32, 40), flip=0.0),
    Geometric(size=(40, 56), flip=0.5, scale=(0.8, 1.5), rotate=10.0),
]
NAMES = ["flip", "rotate", "magnify", "shrink", "crop", "all"]


@pytest.mark.parametrize("geometric", ALL, ids=NAMES)
def test_the_flow_still_aligns_the_frames(geometric):
    before = batch_of(world(0), world(1))
    assert misalignment(before) < 1e-6
    assert misalignment(geometric(before, 3)) < 0.004


@pytest.mark.parametrize("geometric", ALL[:4], ids=NAMES[:4])
def test_vectors_that_are_moved_but_not_turned_are_caught(geometric):
    before = world()
    matrix = geometric.draw(1, (H, W), 3)
    after = transform(before, matrix, (H, W))
    back = torch.linalg.inv(matrix)[:, :2, :2].float()
    naive = torch.einsum("bij,bjhw->bihw", back, after["flow"])
    assert misalignment(after, naive) > 4 * misalignment(after)


def test_the_flow_of_an_affine_motion_is_exact_after_any_map():
    before = world()
    matrix = Geometric(flip=1.0, rotate=20.0, scale=(1.2, 1.2)).draw(1, (H, W), 5)
    after = transform(before, matrix, (H, W))
    grid, A, t = mf.pixel_grid(H, W).double(), matrix[0, :2, :2], matrix[0, :2, 2].view(1, 2, 1, 1)
    back = torch.einsum("ij,njhw->nihw", torch.linalg.inv(A), grid - t)
    turn = torch.tensor([[0.02, -0.03], [0.03, 0.01]], dtype=torch.float64)
    motion = torch.einsum("ij,njhw->nihw", turn, back) + torch.tensor(MOTION).view(1, 2, 1, 1)
    expected = torch.einsum("ij,njhw->nihw", A, motion)
    x, y = back.unbind(dim=1)
    between_centres = (x >= 0) & (x <= W - 1) & (y >= 0) & (y <= H - 1)
    error = (after["flow"] - expected).norm(dim=1)[between_centres]
    assert len(error) > H * W / 2 and error.max() < 1e-5


def test_a_flip_turns_the_horizontal_motion_around():
    before = world()
    after = Geometric(flip=1.0)(before, 0)
    assert torch.allclose(after["flow"][:, 0], -before["flow"][:, 0].flip(-1), atol=1e-5)
    assert torch.allclose(after["flow"][:, 1], before["flow"][:, 1].flip(-1), atol=1e-5)


def test_motion_boundaries_are_not_blended():
    before = world()
    before["flow"] = torch.zeros(1, 2, H, W)
    before["flow"][..., 32:] = 10.0
    after = Geometric(flip=0.0, rotate=0.0, scale=(1.37, 1.37))(before, 1)
    vectors = after["flow"][after["valid"][:, None].expand(-1, 2, -1, -1)] / 1.37
    assert torch.minimum(vectors.abs(), (vectors - 10).abs()).max() < 1e-5


def test_unknown_flow_stays_unknown_and_does_not_spread_in_a_flip():
    before = world()
    before["flow"][0, :, 5, 7] = math.nan
    after = Geometric(flip=1.0)(before, 0)
    unknown = after["flow"].isnan()
    assert int(unknown.sum()) == 2 and unknown[0, :, 5, W - 1 - 7].all()
    assert after["occlusion"][0, 5, W - 1 - 7]


@pytest.mark.parametrize("geometric", ALL, ids=NAMES)
def test_labels_rgb_ir_and_depth_move_together(geometric):
    before = {k: v for k, v in world().items() if k != "boxes"}  # without boxes, instances keep their numbers
    card = (before["instances"][:, None] == 2).float()
    before |= {"rgb": card.expand(-1, 3, -1, -1).clone(), "ir": card}
    after = geometric(before, 11)
    assert torch.allclose(after["rgb"][:, :1], after["ir"], atol=1e-6)
    sure = after["valid"] & ((after["ir"][:, 0] - 0.5).abs() > 0.45)
    assert sure.float().mean() > 0.2
    assert ((after["ir"][:, 0] > 0.5) == (after["instances"] == 2))[sure].all()
    inside = after["valid"]
    assert after["labels"][inside].eq(torch.where(after["instances"] > 0, 10, 3)[inside]).all()
    assert after["depth"][:, 0][inside].eq(torch.where(after["instances"] > 0, 5.0, math.inf)[inside]).all()


def test_outside_is_ignored_not_road():
    after = Geometric(flip=0.0, scale=(0.5, 0.5), crop="centre")(world(), 0)
    outside = ~after["valid"][0]
    assert int((~outside).sum()) == (H // 2) * (W // 2)
    assert after["labels"][0, outside].eq(255).all() and after["instances"][0, outside].eq(0).all()
    assert after["rgb"][0, :, outside].eq(0).all() and after["depth"][0, 0, outside].isinf().all()
    assert after["flow"][0, :, outside].eq(0).all() and after["occlusion"][0, outside].all()


def test_fields_of_the_next_frame_and_masks_move_too():
    before = world()
    card = before["instances"] == 1
    batch = {
        "rgb": before["rgb"],
        "labels": before["labels"],
        "labels_next": before["labels"],
        "derived_labels": before["labels"],
    }
    batch |= {"mask": card, "mask_next": card, "masks": [torch.stack([card[0], ~card[0]])]}
    after = Geometric(size=(60, 80), rotate=9.0, flip=1.0)(batch, 2)
    assert after["labels_next"].equal(after["labels"]) and after["derived_labels"].equal(after["labels"])
    assert after["mask"].equal(after["mask_next"]) and after["masks"][0][0].equal(after["mask"][0])
    assert not (after["masks"][0].any(dim=0) & ~after["valid"][0]).any()
    none = Geometric()({"rgb": before["rgb"], "masks": [torch.zeros(0, H, W, dtype=torch.bool)]}, 0)
    assert none["masks"][0].shape == (0, H, W)


def test_dtypes_and_shapes_are_kept():
    before, after = world(), Geometric(size=(24, 30))(world(), 0)
    for key in ("rgb", "ir", "labels", "instances", "depth", "flow", "occlusion"):
        assert after[key].dtype == before[key].dtype and after[key].ndim == before[key].ndim
        assert after[key].shape[-2:] == (24, 30)
    assert after["name"] == ["a"] and before["rgb"].shape[-2:] == (H, W)


def test_real_motion_survives_a_mirror_and_a_turn(shared_data, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    batch = data.collate([data.load("middlebury")["RubberWhale"]])
    batch["occlusion"] = ~batch["valid"]
    matrix = Geometric(flip=1.0, rotate=8.0).draw(1, tuple(batch["rgb"].shape[-2:]), 0)
    after = transform(batch, matrix, tuple(batch["rgb"].shape[-2:]))
    back = torch.linalg.inv(matrix)[:, :2, :2].float()
    naive = torch.einsum("bij,bjhw->bihw", back, after["flow"])
    assert misalignment(after) < 1.2 * misalignment(batch)
    assert misalignment(after, naive) > 2 * misalignment(after)


# --- boxes -----------------------------------------------------------------------------------------------------------


def tight(instances: torch.Tensor, which: int) -> list[float]:
    y, x = (instances == which).nonzero().unbind(dim=1)
    return [float(x.min()), float(y.min()), float(x.max()) + 1, float(y.max()) + 1]


@pytest.mark.parametrize("geometric", [ALL[0], Geometric(flip=0.5, size=(44, 62))], ids=["flip", "crop"])
def test_boxes_are_tight_around_their_instances(geometric):
    for seed in range(8):
        after = geometric(world(), seed)
        assert [box.tolist() for box in after["boxes"][0]] == [tight(after["instances"][0], i) for i in (1, 2)]


def test_a_flipped_box_is_not_off_by_one():
    after = Geometric(flip=1.0)({"rgb": torch.zeros(1, 3, H, W), "boxes": [torch.tensor([[0.0, 0, W, H]])]}, 0)
    assert after["boxes"][0].tolist() == [[0, 0, W, H]]


def test_boxes_follow_their_instances_through_any_map():
    for seed in range(8):
        after = replace(ALL[-1], visible=0.0)(world(), seed)
        assert len(after["boxes"][0]) == int(after["instances"].max())
        for k, box in enumerate(after["boxes"][0]):
            assert box.tolist() == tight(after["instances"][0], k + 1)


def test_boxes_alone_hold_what_they_held():
    for seed in range(8):
        before = world()
        matrix = Geometric(rotate=15.0, scale=(0.8, 1.0)).draw(1, (H, W), seed)
        exact = transform(before, matrix, (H, W))["boxes"][0]
        alone = transform({k: before[k] for k in ("rgb", "boxes")}, matrix, (H, W))["boxes"][0]
        assert (alone[:, :2] <= exact[:, :2] + 0.5).all() and (alone[:, 2:] >= exact[:, 2:] - 0.5).all()


def shift_left(pixels: float) -> torch.Tensor:
    matrix = torch.eye(3, dtype=torch.float64)[None]
    matrix[0, 0, 2] = -pixels
    return matrix


@pytest.mark.parametrize("with_instances", [True, False])
def test_boxes_are_cut_and_dropped_with_their_labels(with_instances):
    before = world()
    if not with_instances:
        del before["instances"]
    after = transform(before, shift_left(10), (H, W))  # the first box keeps 4 of its 9 columns
    assert after["boxes"][0].tolist() == [[0, 10, 4, 22], [34, 28, 50, 40]]
    assert after["box_labels"][0].tolist() == [10, 9]
    after = transform(before, shift_left(10), (H, W), visible=0.5)
    assert after["boxes"][0].tolist() == [[34, 28, 50, 40]] and after["box_labels"][0].tolist() == [9]
    assert not with_instances or after["instances"].unique().tolist() == [0, 1]
    assert len(before["boxes"][0]) == 2 and len(before["box_labels"][0]) == 2


@pytest.mark.parametrize("scale", [0.5, 1.2])
def test_growing_and_shrinking_is_not_vanishing(scale):
    centre = {"flip": torch.tensor([False]), "degrees": torch.zeros(1), "place": torch.zeros(1, 2)}
    matrix = affine((H, W), (2 * H, 2 * W), scale=torch.tensor([scale]), **centre)
    after = transform(world(), matrix, (2 * H, 2 * W), visible=0.8)
    assert len(after["boxes"][0]) == 2
    cut = transform(world(), affine((H, W), (H, W), scale=torch.tensor([1.9]), **centre), (H, W), visible=0.8)
    assert len(cut["boxes"][0]) == 0


def test_a_sample_without_boxes():
    before = world() | {"boxes": [torch.zeros(0, 4)], "box_labels": [torch.zeros(0, dtype=torch.long)]}
    with pytest.raises(ValueError, match="instance 2 has no box"):
        ALL[-1](before, 0)
    after = ALL[-1](before | {"instances": torch.zeros(1, H, W, dtype=torch.long)}, 0)
    assert after["boxes"][0].shape == (0, 4) and after["box_labels"][0].shape == (0,)


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mirrored"),
    [
        ("the leftmost car", "the rightmost car"),
        ("Left of the sign", "Right of the sign"),
        ("the car that moves right, left of the wall", "the car that moves left, right of the wall"),
        ("a left-hand lane, leftwards", "a right-hand lane, rightwards"),
        ("the bright upright person who leftover", "the bright upright person who leftover"),
    ],
)
def test_mirror(text, mirrored):
    assert mirror(text) == mirrored and mirror(mirrored) == text


def test_expressions_follow_a_flip_and_vanish_with_their_object():
    flipped = Geometric(flip=1.0)(world(), 0)
    texts = [e.text for e in flipped["expressions"][0]]
    assert texts == ["the rightmost car", "the car on the left"]
    assert flipped["expressions"][0][0].mask.equal(flipped["instances"][0] == 1)
    kept = transform(world(), shift_left(20), (H, W))["expressions"][0]
    assert [e.text for e in kept] == ["the car on the right"]


def test_expressions_of_ministreet_keep_their_numbers():
    before = world()
    one, two = (before["instances"][0] == k for k in (1, 2))
    before["expressions"] = [
        [
            scenes.Expression("the road", before["labels"][0] == 3, "class"),
            scenes.Expression("the car on the left", one, "place", (1,), (1,)),
            scenes.Expression("the largest car", two, "size", (2,), (2,)),
            scenes.Expression("all cars", one | two, "group", (1, 2), (1, 2)),
            scenes.Expression("the car", two, "class", (2,), (1, 2)),
        ]
    ]
    same = transform(before, shift_left(0), (H, W))["expressions"][0]
    assert [(e.text, e.instances, e.candidates) for e in same] == [
        (e.text, e.instances, e.candidates) for e in before["expressions"][0]
    ]
    after = transform(before, shift_left(10), (H, W), visible=0.5)
    told = {e.text: e for e in after["expressions"][0]}
    assert list(told) == ["the road", "all cars", "the car"]
    assert told["all cars"].instances == told["the car"].candidates == (1,)
    assert told["all cars"].mask.equal(after["instances"][0] == 1)
    assert told["the road"].mask.equal(after["labels"][0] == 3)


# --- MiniStreet ------------------------------------------------------------------------------------------------------


def test_a_street_stays_true():
    before = scenes.scenes(scenes.split_seeds("train", 2), size=(96, 192))
    before["valid"] = torch.ones(2, 96, 192, dtype=torch.bool)
    after = Geometric(size=(80, 160), flip=1.0, scale=(0.9, 1.4), rotate=5.0)(before, 3)
    assert misalignment(after) < 1.5 * misalignment(before) + 0.005
    for i in range(2):
        ids = after["instances"][i]
        assert int(ids.max()) <= len(after["boxes"][i]) == len(after["box_labels"][i])
        for k, box in enumerate(after["boxes"][i]):
            assert box.tolist() == tight(ids, k + 1)
            assert after["labels"][i][ids == k + 1].eq(after["box_labels"][i][k]).all()
        for expression in after["expressions"][i]:
            if expression.instances:
                meant = torch.isin(ids, torch.tensor(expression.instances))
                assert expression.mask.equal(meant) and set(expression.instances) <= set(expression.candidates)


# --- drawing ---------------------------------------------------------------------------------------------------------


def same(a: dict, b: dict) -> bool:
    return all(a[k].equal(b[k]) for k in a if isinstance(a[k], torch.Tensor) and k != "depth")


def test_the_seed_decides():
    batch = batch_of(world(0), world(1))
    assert same(ALL[-1](batch, 7), ALL[-1](batch, 7))
    assert same(ALL[-1](batch, 7), ALL[-1](batch, torch.Generator().manual_seed(7)))
    assert not same(ALL[-1](batch, 7), ALL[-1](batch, 8))
    generator = torch.Generator().manual_seed(7)
    assert not same(ALL[-1](batch, generator), ALL[-1](batch, generator))


def test_drawing_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Photometric()(ALL[-1](world(), 1), 1)
    assert torch.rand(3).equal(expected)


def test_a_draw_can_be_replayed_on_another_batch():
    matrix = ALL[-1].draw(1, (H, W), 4)
    together = transform(world(), matrix, (40, 56))
    alone = transform({"ir": world()["ir"]}, matrix, (40, 56))
    assert together["ir"].equal(alone["ir"])


def test_two_flips_are_nothing():
    before = world()
    after = Geometric(flip=1.0)(Geometric(flip=1.0)(before, 0), 1)
    for key in ("rgb", "rgb_next", "ir", "flow"):
        assert torch.allclose(after[key], before[key], atol=1e-6)
    for key in ("labels", "instances", "occlusion"):
        assert after[key].equal(before[key])
    assert after["boxes"][0].equal(before["boxes"][0])
    assert [e.text for e in after["expressions"][0]] == [e.text for e in before["expressions"][0]]


def test_a_crop_copies_pixels():
    before = world()
    after = Geometric(size=(20, 30), flip=0.0)(before, 2)
    patches = before["rgb"].unfold(2, 20, 1).unfold(3, 30, 1)
    gap = (patches - after["rgb"][:, :, None, None]).abs().amax(dim=(0, 1, 4, 5))
    assert gap.min() < 1e-6 and after["valid"].all()


def test_affine_does_what_it_says():
    turn = affine(
        (4, 4),
        (4, 4),
        flip=torch.tensor([False]),
        scale=torch.tensor([1.0]),
        degrees=torch.tensor([90.0]),
        place=torch.zeros(1, 2),
    )
    right_of_centre = torch.tensor([2.5, 1.5, 1.0], dtype=torch.float64)
    assert torch.allclose(turn[0] @ right_of_centre, torch.tensor([1.5, 2.5, 1.0], dtype=torch.float64))
    seen = Geometric(size=(4, 4), flip=0.5, scale=(0.5, 2), rotate=5).draw(400, (8, 8), 0)
    assert 150 < int((torch.linalg.det(seen[:, :2, :2]) < 0).sum()) < 250
    area = torch.linalg.det(seen[:, :2, :2]).abs().sqrt()
    assert 0.5 <= area.min() < 0.55 and 1.9 < area.max() <= 2.0


@pytest.mark.parametrize(
    "wrong", [{"size": (0, 4)}, {"flip": 1.5}, {"scale": (2, 1)}, {"rotate": -1}, {"crop": "middle"}]
)
def test_wrong_options_are_explained(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Geometric(**wrong)


def test_wrong_batches_are_explained():
    with pytest.raises(ValueError, match="batch"):
        Geometric()({"rgb": torch.zeros(3, H, W)}, 0)
    with pytest.raises(ValueError, match="must share"):
        Geometric()({"rgb": torch.zeros(1, 3, H, W), "ir": torch.zeros(1, 1, H, W - 1)}, 0)
    with pytest.raises(ValueError, match="no field with pixels"):
        Geometric()({"name": ["a"]}, 0)
    with pytest.raises(ValueError, match="unknown field 'heat'"):
        Geometric()({"rgb": torch.zeros(1, 3, H, W), "heat": torch.zeros(1, 1, H, W)}, 0)
    with pytest.raises(ValueError, match="matrix"):
        transform(world(), torch.eye(3), (H, W))
    with pytest.raises(TypeError, match="generator"):
        Geometric()(world(), None)


# --- light -----------------------------------------------------------------------------------------------------------


def test_light_changes_the_images_and_nothing_else():
    before = world()
    after = Photometric()(before, 0)
    assert not after["rgb"].equal(before["rgb"]) and not after["ir"].equal(before["ir"])
    for key in ("labels", "instances", "flow", "occlusion", "depth"):
        assert after[key] is before[key]
    for key in ("rgb", "rgb_next", "ir"):
        assert after[key].min() >= 0 and after[key].max() <= 1 and after[key].shape == before[key].shape


def test_the_two_frames_share_their_light():
    still = world()
    still["rgb_next"] = still["rgb"].clone()
    after = Photometric(noise=0.0, blur=1.0)(still, 0)
    assert after["rgb"].equal(after["rgb_next"])
    still["rgb_next"][..., : W // 2] = 0.0  # what stays the same keeps its look, whatever else comes into the picture
    after = Photometric(noise=0.0)(still, 0)
    assert after["rgb"][..., W // 2 :].equal(after["rgb_next"][..., W // 2 :])
    noisy = Photometric(noise=0.1)(world() | {"rgb_next": still["rgb"]}, 0)
    assert not noisy["rgb"].equal(noisy["rgb_next"])


def test_the_infrared_image_has_a_draw_of_its_own():
    before = world()
    before["ir"] = before["rgb"][:, :1].clone()
    off = dict.fromkeys(("saturation", "noise", "ir_noise"), 0.0)
    after = Photometric(**off, ir_brightness=0.2, ir_gamma=0.2)(before, 0)
    assert not torch.allclose(after["rgb"][:, :1], after["ir"], atol=1e-3)


def test_no_strength_is_no_change():
    still = dict.fromkeys(vars(Photometric()), 0.0)
    before = world()
    after = Photometric(**still)(before, 0)
    assert torch.allclose(after["rgb"], before["rgb"], atol=1e-6)
    assert torch.allclose(after["ir"], before["ir"], atol=1e-6)


def test_light_follows_the_seed_and_differs_between_samples():
    batch = batch_of(world(0), world(0))
    assert same(Photometric()(batch, 3), Photometric()(batch, 3))
    assert not same(Photometric()(batch, 3), Photometric()(batch, 4))
    after = Photometric(noise=0.0)(batch, 3)
    assert not torch.allclose(after["rgb"][0], after["rgb"][1], atol=1e-3)


def test_blur_smooths():
    sharp = {"rgb": (mf.pixel_grid(H, W).sum(dim=1, keepdim=True) % 2).expand(8, 3, -1, -1)}
    only_blur = dict.fromkeys(vars(Photometric()), 0.0) | {"blur": 2.0}
    contrast = Photometric(**only_blur)(sharp, 1)["rgb"].std(dim=(1, 2, 3))
    assert (contrast <= 0.501).all() and contrast.min() < 0.1


@pytest.mark.parametrize("wrong", [{"brightness": 1.0}, {"noise": -0.1}, {"ir_blur": -1.0}])
def test_wrong_strengths_are_explained(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Photometric(**wrong)
    with pytest.raises(ValueError, match=r"\[None\]"):
        Photometric()({"rgb": torch.zeros(3, H, W)}, 0)
