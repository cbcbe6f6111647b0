"""Every set on a made-up tree of its layout: fields, ids, splits, variants. What can be wrong: test_data_wrong.py."""

import json
import pickle

import numpy as np
import pytest
import torch
from data_trees import camvid, davis, flo_bytes, label_file, msrs, picture, sign, text_file
from paper_trees import (
    SIZE,
    cityscapes,
    depth,
    fmb,
    gta5,
    ids,
    llvip,
    m3fd,
    mfnet,
    msrs_full,
    pairs,
    palette_file,
    scenario,
    voc,
)

from mmlib import data
from mmlib.data import cityscapes_depth, street19, templates
from mmlib.data.boxes import read_voc
from mmlib.data.cityscapes import snippets
from mmlib.data.flow_files import write_flow
from mmlib.data.pairs import held_back, require_apart

AACHEN, HONNEF = "aachen_000000_000019", "bad-honnef_000001_000275"


# --- MSRS, MFNet, FMB


def test_msrs_fields_boxes_and_splits(tree):
    msrs(tree)
    ds = data.load("msrs")
    assert (len(ds), ds.variant, ds.box_classes) == (3, "msrs-jpeg92", ("person", "bicycle", "car"))
    assert ds[0]["boxes"].tolist() == [[2, 1.5, 6, 4.5]] and ds[0]["box_labels"].tolist() == [2]
    assert ds["00003D"]["boxes"].shape == (0, 4) and ds["00003D"]["box_labels"].dtype == torch.int64
    assert [s["time"] for s in ds] == ["day", "night", "day"]
    assert [data.load("msrs", s).names for s in ("train", "val", "test")] == [("00001D",), ("00002N",), ("00003D",)]
    assert "boxes" not in data.load("msrs", boxes=None)[0]


def test_msrs_masks_say_that_they_are_derived_and_real_ones_may_be_added(tree):
    base = msrs(tree)
    ds = data.load("msrs", derived="weak")
    assert "labels" not in ds[0] and ds[0]["derived_labels"].dtype == torch.int64
    assert ds.variant.endswith("+weak") and "not ground truth" in ds.note
    for name in ds.names:
        label_file(base / f"labels_seg/{name}.png", torch.full((6, 8), 8))
    ds = data.load("msrs", labels=True)
    assert ds[0]["labels"].unique().tolist() == [8] and not ds.note and len(ds.classes) == 9


def test_msrs_full_layout_and_boxes(tree):
    base = msrs_full(tree)
    ds = data.load("msrs_full", boxes="fusion")
    assert (len(ds), ds.variant) == (12, "msrs_full-png-boxes-fusion")
    assert ds["00000D"]["boxes"].shape == (0, 4) and ds["00000D"]["box_labels"].dtype == torch.int64
    assert ds["00001N"]["boxes"].tolist() == [[6, 4, 18, 12]] and ds["00001N"]["time"] == "night"
    assert ds["00001N"]["box_labels"].tolist() == [2] and ds.box_classes[2] == "car" and ds.classes[2] == "person"
    assert ds["00001N"]["labels"][:3, 0].tolist() == [0, 8, 2]
    assert "boxes" not in data.load("msrs_full", "test")[0] and len(data.load("msrs_full", "val")) == 1
    before = ds.fingerprint
    text_file(base / "labels_det/fusion/train/00001N.txt", "1 0.5 0.5 0.5 0.5\n")
    assert ds.fingerprint != before, "boxes count in the fingerprint"


def test_mfnet_parts_its_four_channels(tree):
    mfnet(tree)
    ds = data.load("mfnet")
    assert (ds.names, ds.variant, len(ds.classes)) == (("00001D", "00002N"), "mfnet-png", 9)
    sample = ds["00002N"]
    assert sample["rgb"][:, 3, 3].tolist() == pytest.approx([10 / 255, 20 / 255, 30 / 255])
    assert sample["ir"].shape == (1, *SIZE) and sample["ir"].unique().tolist() == pytest.approx([200 / 255])
    assert sample["labels"][:3, 0].tolist() == [0, 1, 8] and sample["time"] == "night"
    assert data.load("mfnet", "trainval").names == ("00001D", "00002N", "00003D")
    assert data.load("mfnet", "test_night").names == ("00004N",)


def test_fmb_reads_fifteen_ids_and_holds_a_part_back(tree):
    fmb(tree)
    everything, fit, val, test = (data.load("fmb", split) for split in ("train", "fit", "val", "test"))
    assert (len(everything), len(fit), len(val), len(test)) == (12, 11, 1, 2)
    assert not set(fit.names) & set(val.names) and set(fit.names) | set(val.names) == set(everything.names)
    assert everything[0]["labels"][:3, 0].tolist() == [0, 14, 9] and everything.classes[14] == "pole"
    assert everything[0]["ir"].shape == (1, *SIZE) and test.variant == "fmb-png"


def test_what_is_held_back_lies_in_blocks_of_neighbours():
    names = [f"{i:04d}" for i in range(1000)]
    fit, val = held_back(names)
    assert len(val) == 100 and len(fit) == 900 and set(fit) | set(val) == set(names)
    assert val[:20] == tuple(names[180:200]) and val[20:40] == tuple(names[380:400]), "the last of every ten blocks"
    assert held_back(list(reversed(names))) == (fit, val), "whatever the order"
    assert held_back(names[:10])[1] == ("0009",)
    with pytest.raises(ValueError, match="expected at least 10 samples to hold some back, got 9"):
        held_back(names[:9])


# --- M3FD, LLVIP


def test_m3fd_classes_by_name(tree):
    base = m3fd(tree)
    ds = data.load("m3fd")
    assert (len(ds), ds.variant, ds.box_classes[4]) == (8, "m3fd-png", "lamp")
    assert ds[0]["boxes"].tolist() == [[1, 2, 5, 6], [0, 0, 4, 8]] and ds[0]["box_labels"].tolist() == [4, 0]
    assert ds[0]["rgb"].shape == (3, *SIZE) and ds[0]["ir"].shape == (1, *SIZE)
    pairs(base / "fusion", ("00003",), rgb="Vis", ir="Ir")
    ds = data.load("m3fd", "fusion")
    assert (ds.names, ds.fields, ds.variant) == (("00003",), ("rgb", "ir"), "m3fd-png+fusion"), "no boxes there"


def test_m3fd_is_split_by_scene_or_by_lists(tree):
    base = m3fd(tree)
    text_file(base / "meta/train.txt", "00000.png\n00001.png\n")
    text_file(base / "meta/val.txt", "00002\n")
    assert data.load("m3fd", "train").names == ("00000", "00001") and data.load("m3fd", "val").names == ("00002",)
    scenario(base, ("bridge", "train", 0, 2), ("street", "val", 3, 4), ("yard", "train", 5, 6))
    train, val = data.load("m3fd", "train").names, data.load("m3fd", "val").names
    assert (train, val) == (("00000", "00001", "00002", "00005", "00006"), ("00003", "00004")), "00007 is in no scene"


def test_recordings_are_kept_apart():
    drives = {"a": "one", "b": "one", "c": "two"}
    require_apart("set", drives, {"train": ["a", "b"], "test": ["c", "d"]})
    with pytest.raises(ValueError, match=r"set: one lies in both train \(a\) and test \(b\)"):
        require_apart("set", drives, {"train": ["a"], "test": ["b", "c"]})
    with pytest.raises(ValueError, match="sample d lies in both"):
        require_apart("set", drives, {"train": ["d"], "test": ["d"]})


def test_llvip_folders_and_persons(tree):
    llvip(tree)
    ds = data.load("llvip")
    assert (ds.names, ds.variant, ds.box_classes) == (("010001", "010002"), "llvip-original", ("person",))
    assert ds[0]["boxes"].tolist() == [[2, 3, 8, 9]] and ds[0]["box_labels"].tolist() == [0]
    assert data.load("llvip", "test").names == ("190001",)


def test_voc_maps_by_name_and_leaves_flat_boxes_out(tmp_path):
    image, classes = picture(tmp_path / "a.png", *SIZE), {"car": 0, "lamp": 1}
    path = text_file(tmp_path / "a.xml", voc(("Lamp", 1, 2, 5, 6), ("car", 0, 0, 24.5, 16), ("Car", 3, 3, 3, 9)))
    boxes, labels = read_voc(path, image, classes)
    assert boxes.tolist() == [[1, 2, 5, 6], [0, 0, 24, 16]] and labels.tolist() == [1, 0]
    for empty in (voc(), voc(("car", 3, 3, 3, 9)), voc(size=None)):
        boxes, labels = read_voc(text_file(path, empty), image, classes)
        assert boxes.shape == (0, 4) and boxes.dtype == torch.float32
        assert labels.shape == (0,) and labels.dtype == torch.int64


# --- CamVid and its templates


def test_camvid_ids_lists_and_clip(tree):
    camvid(tree)
    sample = data.load("camvid", "train")["0006R0_1"]
    assert sample["labels"].unique().tolist() == [0, 8, 255] and int((sample["labels"] == 255).sum()) == 50
    assert [len(data.load("camvid", s)) for s in ("train", "val", "test")] == [2, 2, 1]
    assert data.load("camvid", "source_day_train").names == ("0006R0_1",)
    assert list(data.load("camvid", "target_dusk_unlabelled")[0]) == ["name", "rgb"]
    clip = data.load("camvid_video")
    assert len(clip) == 1 and list(clip[0]) == ["name", "rgb", "rgb_next", "labels", "labels_next"]


def test_camvid_published_layout(tree):
    base = tree / "camvid"
    picture(base / "val/0016E5_1.png", 4, 5)
    label_file(base / "valannot/0016E5_1.png", torch.full((4, 5), 3))
    ds = data.load("camvid", "val")
    assert ds.variant == "camvid-png" and ds[0]["labels"].unique().tolist() == [3]


def test_referring_templates_become_masks_and_count_in_the_fingerprint(tree):
    base = camvid(tree)
    ds = data.load("camvid", "train", expressions=True)
    everything, left, largest = ds["0006R0_1"]["expressions"]
    assert everything.text == "all the cars" and int(everything.mask.sum()) == 900 + 2400
    assert left.mask[20, 20] and int(left.mask.sum()) == 900
    assert largest.kind == "largest" and largest.mask[120, 330] and int(largest.mask.sum()) == 2400
    assert ds.variant == "camvid-jpeg92+templates"
    before = ds.fingerprint
    assert before != data.load("camvid", "train").fingerprint
    with open(base / "referring_templates.jsonl", "a") as file:
        file.write("\n" + json.dumps({"image": "0001TP_1", "text": "the sky", "cls": 0, "rule": "all"}))
    assert data.load("camvid", "train", expressions=True).fingerprint != before


def test_template_rules_by_hand():
    labels = torch.zeros(40, 60, dtype=torch.int64)
    labels[0:10, 0:10] = 9
    labels[10:20, 10:20] = 9  # touches the first by a corner: one component of 200 pixels
    labels[30:33, 50:53] = 9  # 9 pixels: too small to count
    assert int(templates.referred(labels, 9, "only").sum()) == 200
    labels[0:20, 40:50] = 9
    with pytest.raises(ValueError, match="'only' of class 9: 2 objects"):
        templates.referred(labels, 9, "only")
    assert templates.referred(labels, 9, "rightmost")[0, 45] and templates.referred(labels, 9, "leftmost")[0, 0]
    assert int(templates.referred(labels, 9, "all").sum()) == 409
    for cls, rule in ((8, "leftmost"), (0, "largest"), (9, "nearest")):
        with pytest.raises(ValueError):
            templates.referred(labels, cls, rule)


# --- Cityscapes and GTA5


def test_file_ids_become_the_nineteen_train_ids():
    expected = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13,
                27: 14, 28: 15, 31: 16, 32: 17, 33: 18}  # fmt: skip
    every = torch.arange(35)[None]
    assert street19.to_train_ids(every)[0].tolist() == [expected.get(i, 255) for i in range(35)]
    assert street19.to_train_ids(torch.tensor([[255]])).item() == 255
    assert len(street19.CLASSES) == 19 and street19.CLASSES[6] == "traffic light" and street19.CLASSES[18] == "bicycle"
    for wrong in (35, 254, 26001):
        with pytest.raises(ValueError, match=r"a.png: expected label ids 0..34 or 255, got .*labelIds"):
            street19.to_train_ids(torch.tensor([[7, wrong]]), "a.png")


def test_cityscapes_images_ids_and_neighbours(tree):
    cityscapes(tree)
    cityscapes(tree, ("munster_000000_000019",), "val")
    cityscapes(tree, ("berlin_000000_000019",), "test")
    ds = data.load("cityscapes")
    assert (ds.names, ds.fields, ds.variant) == ((AACHEN, HONNEF), ("rgb", "labels"), "cityscapes-png")
    assert ds[0]["rgb"].shape == (3, *SIZE) and ds[0]["labels"][:5, 0].tolist() == [0, 13, 255, 18, 255]
    assert data.load("cityscapes", "val").names == ("munster_000000_000019",) and ds.classes[13] == "car"
    test = data.load("cityscapes", "test")
    assert test.fields == ("rgb",) and "server" in test.note, "its labels are not public"
    before = data.load("cityscapes", frame=True)
    after = data.load("cityscapes", frame=True, towards="next")[HONNEF]
    assert before[HONNEF]["rgb_previous"].mean() < before[HONNEF]["rgb"].mean() < after["rgb_next"].mean()
    assert data.collate(list(before), fit="crop", size=(8, 8))["rgb_previous"].shape == (2, 3, 8, 8)


def test_snippets_are_counted_by_their_neighbours(tree):
    cityscapes(tree, (AACHEN,), around=range(-19, 11))
    cityscapes(tree, (HONNEF,), around=(-1,))
    assert snippets("train") == {"labelled": 2, "previous": 2, "next": 1, "whole snippet": 1}


def test_precomputed_flow_in_three_formats(tree):
    base = cityscapes(tree)
    flow = torch.arange(2 * 16 * 24).reshape(2, *SIZE).float() / 8
    flow[:, 3, 4] = torch.nan
    array = flow.permute(1, 2, 0).numpy()
    folder = base / "flow/dis/previous"
    write_flow(folder / f"{AACHEN}.npz", flow)
    np.save(folder / f"{HONNEF}.npy", array)
    ds = data.load("cityscapes", flow="dis")
    assert ds.variant == "cityscapes-png+flow-dis-previous" and ds.fields == ("rgb", "labels", "flow", "valid")
    samples = [ds[AACHEN], ds[HONNEF]]
    (folder / f"{AACHEN}.npz").unlink()
    (folder / f"{AACHEN}.flo").write_bytes(flo_bytes(np.nan_to_num(array, nan=1e10)))
    for sample in (*samples, data.load("cityscapes", flow="dis")[AACHEN]):
        assert sample["flow"][:, 1, 2].tolist() == [26 / 8, (384 + 26) / 8]
        assert sample["flow"][:, 3, 4].tolist() == [0, 0] and not sample["valid"][3, 4]
        assert int(sample["valid"].sum()) == 16 * 24 - 1


def test_depth_and_points_by_hand(tree):
    base = cityscapes(tree, (AACHEN,))
    depth(base, stored=513)  # disparity 2 pixels: Z = 100 * 0.2 / 2 = 10 m
    sample = data.load("cityscapes", depth=True)[0]
    assert sample["depth"].shape == (1, *SIZE) and sample["points"].shape == (3, *SIZE)
    assert sample["points"][:, 8, 12].tolist() == [0, 0, 10]
    assert sample["points"][:, 13, 22].tolist() == pytest.approx([1, 1, 10])
    assert sample["depth"][0, 0, 0].isnan() and sample["points"][:, 0, 0].isnan().all()
    cut = data.crop(sample, (4, 4), at=(8, 12))
    assert cut["points"][:, 0, 0].tolist() == [0, 0, 10], "points stay true where a picture is cut"
    assert data.pad(cut, (6, 6))["points"][:, 5, 5].isnan().all()
    camera = {"fx": 1.0, "fy": 1.0, "cx": -1.0, "cy": -1.0, "baseline": 1.0}
    far = cityscapes_depth.points_of(torch.zeros(1, 1), camera)[:, 0, 0]
    assert far.tolist() == [torch.inf] * 3, "a disparity of zero is infinitely far"


def test_the_fingerprint_follows_every_file_that_is_read(tree):
    base = cityscapes(tree, (AACHEN,))
    depth(base)
    plain, deep = data.load("cityscapes"), data.load("cityscapes", depth=True)
    before = plain.fingerprint, deep.fingerprint
    depth(base, stored=600)
    assert plain.fingerprint == before[0] and deep.fingerprint != before[1]
    sign(base)
    data.folders.manifest.cache_clear()
    label_file(base / f"gtFine/train/aachen/{AACHEN}_gtFine_labelIds.png", ids(8))
    with pytest.raises(ValueError, match="damaged or changed"):
        data.load("cityscapes").select("labels")[0]


def test_workers_of_a_data_loader_can_be_given_the_set(tree):
    base = cityscapes(tree)
    for name in (AACHEN, HONNEF):
        write_flow(base / f"flow/dis/previous/{name}.npz", torch.ones(2, *SIZE))
        depth(base, name)
    ds = data.load("cityscapes", frame=True, flow="dis", depth=True)
    again = pickle.loads(pickle.dumps(ds))
    assert again.fields == ("rgb", "rgb_previous", "labels", "depth", "points", "flow", "valid")
    assert torch.equal(again[1]["flow"], ds[1]["flow"]) and again.fingerprint == ds.fingerprint
    batch = data.collate(list(again), fit="resize", size=(8, 12))
    assert batch["flow"].unique().tolist() == [0.5] and batch["points"].shape == (2, 3, 8, 12)


def test_gta5_palette_lists_and_misfits(tree):
    base = gta5(tree, ("00001", "00002", "15188", "20801"))
    palette_file(base / "labels/15188.png", ids(7, size=(12, 24)))
    ds = data.load("gta5")
    assert ds.names == ("00001", "00002") and ds.variant == "gta5-png" and ds.classes == street19.CLASSES
    assert ds[0]["labels"][:4, 0].tolist() == [0, 255, 2, 255], "not the palette's colours"
    everything = data.load("gta5", misfits=True)
    assert len(everything) == 4 and everything.variant == "gta5-png+misfits"
    with pytest.raises(ValueError, match="gta5/15188: expected one height x width"):
        everything["15188"]
    text_file(base / "val.txt", "00002.png\n00001\n")
    assert data.load("gta5", "val").names == ("00002", "00001")


# --- DAVIS, Middlebury, weights


def test_davis_frames_pairs_and_sentences(tree):
    base = davis(tree)
    ds = data.load("davis")
    assert len(ds) == 6 and ds[0]["name"] == "camel/00000" and ds[0]["mask"].dtype == torch.bool
    assert int(ds[0]["mask"].sum()) == 24
    moving = data.load("davis", pairs=True)
    assert moving.names == ("camel/00000", "camel/00001", "dog/00000", "dog/00001"), "no pair across sequences"
    assert data.load("davis", "dog").names == ("dog/00000", "dog/00001", "dog/00002")
    assert data.load("davis", expressions=True)["dog/00001"]["expressions"][0].text == "a dog"
    label_file(base / "masks/dog/00000.png", torch.full((6, 8), 255))
    assert data.load("davis", "dog")[0]["mask"].all(), "published masks hold 0 and 255"


def test_middlebury_repacked_and_published(tree):
    flow = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    flow[1, 2] = np.nan
    base = tree / "middlebury_flow"
    for frame in ("frame10", "frame11"):
        picture(base / f"Venus/{frame}.png", 3, 4)
        picture(base / f"other-data/Venus/{frame}.png", 3, 4)
    with pytest.raises(data.DataMissing, match=r"middlebury: 1 files missing \(Venus/flow10.npz\)"):
        data.load("middlebury")
    np.savez(base / "Venus/flow10.npz", flow=flow.astype(np.float16))
    repacked = data.load("middlebury")
    assert repacked.variant == "middlebury-float16" and repacked.names == ("Venus",)
    (base / "other-gt-flow/Venus").mkdir(parents=True)
    (base / "other-gt-flow/Venus/flow10.flo").write_bytes(flo_bytes(np.nan_to_num(flow, nan=1e10)))
    published = data.load("middlebury")
    assert published.variant == "middlebury-flo"
    for sample in (repacked[0], published[0]):
        assert sample["flow"][:, 2, 3].tolist() == [22, 23] and sample["flow"][:, 1, 2].tolist() == [0, 0]
        assert sample["valid"].sum() == 11 and not sample["valid"][1, 2]


def test_weights_are_checked_and_safely_read(tree):
    path = tree / "weights" / data.WEIGHTS["mfnet"]
    path.parent.mkdir()
    torch.save({"w": torch.ones(2, dtype=torch.float16), "n": torch.tensor(3)}, path)
    with pytest.raises(data.DataMissing, match="no sha256 to check"):
        data.weights("mfnet")
    sign(path.parent)
    data.folders.manifest.cache_clear()
    state = data.weights("mfnet")
    assert state["w"].dtype == torch.float32 and state["n"].dtype == torch.int64
    with pytest.raises(data.DataMissing, match="gmflow.*data_scripts/obtain.py weights"):
        data.weights("gmflow")
    with pytest.raises(ValueError, match="expected one of mobilenet_v2"):
        data.weights("resnet50")


def test_weights_that_carry_code_are_refused(tree):
    path = tree / "weights" / data.WEIGHTS["mfnet"]
    path.parent.mkdir()
    torch.save({"w": print}, path)
    sign(path.parent)
    with pytest.raises(ValueError, match="could run code"):
        data.weights("mfnet")
