"""The real sets, where they are: counts, ranges, ids and shares are those their own pages state."""

import json
from collections import Counter

import pytest
import torch

from mmlib import data
from mmlib.data import folders, templates
from mmlib.data.fusion_sets import VIFB_METHODS
from mmlib.text import Vocabulary, glove


@pytest.fixture
def real(shared_data, monkeypatch):
    """The data root, with MMLIB_DATA pointing to it; the test is skipped where a set is not installed."""
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))

    def need(name):
        if not folders.installed(name):
            pytest.skip(f"no {name} in {shared_data}; obtain it with: {folders.command(name)}")
        return shared_data / folders.FOLDERS[name]

    return need


@pytest.mark.parametrize(
    "name, split, count, variant",
    [
        ("roadscene", None, 221, "roadscene-original"),
        ("tno", None, 42, "tno-jpeg95"),
        ("vifb", None, 21, "vifb-original"),
        ("msrs", None, 361, "msrs-jpeg92"),
        ("msrs", "train", 242, "msrs-jpeg92"),
        ("msrs", "val", 60, "msrs-jpeg92"),
        ("msrs", "test", 59, "msrs-jpeg92"),
        ("camvid", "train", 367, "camvid-jpeg92"),
        ("camvid", "val", 101, "camvid-jpeg92"),
        ("camvid", "test", 233, "camvid-jpeg92"),
        ("camvid", "source_day_train", 305, "camvid-jpeg92"),
        ("camvid", "source_day_val", 101, "camvid-jpeg92"),
        ("camvid", "source_day_test", 171, "camvid-jpeg92"),
        ("camvid", "target_dusk_unlabelled", 62, "camvid-jpeg92"),
        ("camvid", "target_dusk_test", 62, "camvid-jpeg92"),
        ("camvid_video", None, 100, "camvid_video-jpeg92"),
        ("davis", None, 800, "davis-240p-jpeg88"),
        ("middlebury", None, 8, "middlebury-float16"),
    ],
)
def test_counts_shapes_and_ranges(real, name, split, count, variant):
    real(name)
    ds = data.load(name, split)
    if ds.variant != variant:
        pytest.skip(f"this is {ds.variant}; the counts checked here are those of {variant}")
    assert len(ds) == count
    for sample in (ds[0], ds[count // 2], ds[-1]):
        for key, value in sample.items():
            if key in ("rgb", "rgb_next", "ir"):
                assert value.shape[0] == (1 if key == "ir" else 3) and value.dtype == torch.float32
                assert 0 <= value.min() < value.max() <= 1


@pytest.mark.parametrize(
    "name, split, count",
    [
        ("cityscapes", "train", 2975),
        ("cityscapes", "val", 500),
        ("gta5", None, 24966 - 62),
        ("mfnet", "trainval", 1176),
        ("mfnet", "test", 393),
        ("fmb", "train", 1220),
        ("fmb", "test", 280),
        ("msrs_full", "train", 1083),
        ("msrs_full", "test", 361),
        ("m3fd", None, 4200),
        ("llvip", "train", 12025),
        ("llvip", "test", 3463),
    ],
)
def test_full_sets_hold_what_was_stated_of_them(real, name, split, count):
    """Nobody could run this when the loaders were written: whoever has a set learns here whether its layout is so."""
    real(name)
    ds = data.load(name, split)
    assert len(ds) == count
    for sample in (ds[0], ds[count // 2], ds[-1]):
        assert sample["rgb"].shape[0] == 3 and sample.get("ir", sample["rgb"][:1]).shape[0] == 1
        if "labels" in sample:
            assert set(sample["labels"].unique().tolist()) <= {*range(len(ds.classes)), 255}
        if "boxes" in sample:
            assert len(sample["boxes"]) == len(sample["box_labels"])
            assert sample["box_labels"].lt(len(ds.box_classes)).all()


def test_vifb_has_the_outputs_of_fourteen_methods(real):
    real("vifb")
    ds = data.load("vifb", methods="all").select("fused")
    assert set(VIFB_METHODS) <= set(ds[0]["fused"])
    sizes = {tuple(image.shape) for image in ds["carLight"]["fused"].values()}
    assert sizes == {tuple(data.load("vifb")["carLight"]["rgb"].shape)}


def page_rows(root, heading):
    """The cells of the first table under a heading of the book's page on data, numbers as floats."""
    section = (
        (root / "book" / "datasets.md").read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {row[0]: row[1:] for row in rows[2:]}


@pytest.mark.parametrize(
    "sensor, boxes, without",
    [("visible", (466, 142, 394), 89), ("infrared", (1174, 242, 379), 18), ("fusion", (893, 127, 461), 33)],
)
def test_msrs_boxes(real, root, sensor, boxes, without):
    real("msrs")
    counts, empty = Counter(), 0
    for sample in data.load("msrs", boxes=sensor).select("boxes", "box_labels"):
        assert (sample["boxes"][:, 2:] > sample["boxes"][:, :2]).all()
        assert (sample["boxes"] >= 0).all() and (sample["boxes"] <= torch.tensor([640, 480, 640, 480])).all()
        counts.update(sample["box_labels"].tolist())
        empty += len(sample["boxes"]) == 0
    assert tuple(counts[i] for i in range(3)) == boxes and empty == without
    rows = page_rows(root, "MSRS")
    assert len(rows) == 3
    on_the_page = rows[{"fusion": "fused"}.get(sensor, sensor)]
    assert [int(cell.replace(" ", "")) for cell in on_the_page] == [*boxes, without]


def test_msrs_splits_and_times(real):
    real("msrs")
    parts = [set(data.load("msrs", split).names) for split in ("train", "val", "test")]
    assert set.union(*parts) == set(data.load("msrs").names) and sum(map(len, parts)) == 361
    times = Counter(sample["time"] for sample in data.load("msrs").select("time"))
    assert times == {"day": 179, "night": 182}


@pytest.mark.parametrize("kind, ids", [("weak", range(4)), ("mfnet_pseudo", range(9)), ("consensus", range(4))])
def test_msrs_derived_masks(real, kind, ids):
    real("msrs")
    ds = data.load("msrs", derived=kind).select("derived_labels")
    seen = set()
    for sample in ds[::12]:
        seen |= set(sample["derived_labels"].unique().tolist())
    assert seen <= {*ids, 255} and (255 in seen) == (kind == "consensus") and {0, 1, 2} <= seen


def test_camvid_pixel_shares(real):
    real("camvid")
    counts = torch.zeros(256, dtype=torch.int64)
    ds = data.load("camvid", "train").select("labels")
    for sample in ds:
        counts += torch.bincount(sample["labels"].flatten(), minlength=256)
    assert counts[11:255].sum() == 0
    share = 100 * counts / counts.sum()
    published = torch.tensor([16.9, 23.3, 1.0, 31.7, 4.5, 9.7, 1.2, 1.1, 5.9, 0.6, 0.3])
    assert (share[:11] - published).abs().max() < 0.1, share
    assert share[255].item() == pytest.approx(4.0, abs=0.1)


def test_day_and_dusk_never_share_a_drive(real):
    real("camvid")
    day = {n.split("_")[0] for s in ("train", "val", "test") for n in data.load("camvid", f"source_day_{s}").names}
    dusk = [set(data.load("camvid", s).names) for s in ("target_dusk_unlabelled", "target_dusk_test")]
    assert {n.split("_")[0] for part in dusk for n in part} == {"0001TP"} and "0001TP" not in day
    assert not dusk[0] & dusk[1]


def test_video_pairs_follow_each_other(real):
    real("camvid")
    ds = data.load("camvid_video")
    frames = [int(name.split("_")[1]) for name in ds.names]
    assert frames == list(range(7959, 8159, 2))
    assert torch.equal(ds[0]["rgb_next"], ds[1]["rgb"]) and torch.equal(ds[0]["labels_next"], ds[1]["labels"])


def test_every_template_names_its_split_and_some_become_masks(real):
    folder = real("camvid")
    path = folder / "referring_templates.jsonl"
    if not path.is_file():
        pytest.skip("no referring templates: they are part of the data pack only")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert Counter(r["split"] for r in rows) == {"train": 7030, "val": 2438, "test": 4239}
    assert len({r["text"] for r in rows}) == 41
    assert sum(map(len, templates.read_templates(path).values())) == 13707
    used = 0
    for split in ("train", "val", "test"):
        for sample in data.load("camvid", split, expressions=True).select("expressions")[::25]:
            for expression in sample["expressions"]:
                assert expression.mask.any() and expression.mask.shape == (360, 480), expression.text
                used += 1
    assert used > 400


def test_davis_sequences_pairs_and_objects(real):
    real("davis")
    pairs = data.load("davis", pairs=True)
    assert len(pairs) == 20 * 39
    camel = data.load("davis", "camel", pairs=True)
    assert len(camel) == 39 and torch.equal(camel[0]["rgb_next"], camel[1]["rgb"])
    for sample in data.load("davis", expressions=True).select("mask", "expressions")[::40]:
        assert 0 < sample["mask"].float().mean() < 0.5 and sample["expressions"][0].text


def test_glove_vectors(real):
    real("glove")
    vectors = glove()
    assert len(vectors.words) == 20014 and vectors.vectors.shape == (20014, 100)
    for first, second, cosine in (("car", "vehicle", 0.86), ("bicycle", "bike", 0.90), ("car", "banana", 0.15)):
        assert vectors.similarity(first, second) == pytest.approx(cosine, abs=0.005)
    assert vectors.vector("the")[:3].tolist() == pytest.approx([-0.038194, -0.24487, 0.72812], abs=0.001)
    assert "a" not in vectors and vectors.missing(["a", "car"]) == ["a"]
    table = vectors.table(Vocabulary(("car", "a")))
    assert table.shape == (4, 100) and not table[0].any() and not table[3].any() and table[1].any()


@pytest.mark.parametrize(
    "name, tensors, numbers", [("mobilenet_v2", 312, 2_258_036), ("mfnet", 228, 738_773), ("gmflow", 124, 4_716_720)]
)
def test_weights_load(real, name, tensors, numbers):
    real("weights")
    state = data.weights(name)
    assert len(state) == tensors and sum(v.numel() for v in state.values()) == numbers
    assert all(v.dtype in (torch.float32, torch.int64) for v in state.values())


def test_the_page_on_data_states_what_middlebury_holds(real, root):
    real("middlebury")
    flows = data.load("middlebury").select("flow", "valid")
    rows = page_rows(root, "Middlebury optical flow")
    assert set(rows) == set(flows.names)
    for name, (size, known, length) in rows.items():
        flow, valid = flows[name]["flow"], flows[name]["valid"]
        assert size == f"{flow.shape[2]} x {flow.shape[1]}"
        assert float(known) == pytest.approx(100 * valid.float().mean().item(), abs=0.06)
        assert float(length) == pytest.approx(flow.norm(dim=0)[valid].mean().item(), abs=0.01)


def test_manifests_hold_for_two_small_sets(real):
    for name in ("glove", "tno"):
        folder = real(name)
        if folders.manifest(folder):
            assert folders.verify_all(folder) == []
