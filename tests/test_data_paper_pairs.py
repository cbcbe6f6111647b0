"""MFNet, FMB, MSRS in full, M3FD and LLVIP on made-up trees: ids, boxes by name, splits that do not leak."""

import pytest
import torch
from data_trees import label_file, picture, text_file
from paper_trees import SIZE, fmb, ids, llvip, m3fd, mfnet, msrs_full, pairs, rgbt_file, scenario, voc

from mmlib import data
from mmlib.data.boxes import read_voc
from mmlib.data.mfnet import read_rgbt
from mmlib.data.pairs import held_back, require_apart

CLASSES = {"car": 0, "lamp": 1}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """An empty data root that MMLIB_DATA points to."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    return tmp_path


# --- MFNet


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


def test_mfnet_wrong_files(tree):
    base = mfnet(tree)
    label_file(base / "labels/00001D.png", ids(0, 9))
    with pytest.raises(ValueError, match=r"labels/00001D.png: expected ids 0..8 or 255"):
        data.load("mfnet")["00001D"]
    picture(base / "images/00001D.png", *SIZE)
    with pytest.raises(ValueError, match=r"expected four channels \(RGB and thermal\), got mode RGB"):
        data.load("mfnet").select("ir")["00001D"]
    rgbt_file(base / "images/00001D.png")
    whole = (base / "images/00001D.png").read_bytes()
    (base / "images/00001D.png").write_bytes(whole[:50])
    with pytest.raises(ValueError, match="00001D.png: truncated or damaged image"):
        read_rgbt(base / "images/00001D.png")
    (base / "images/00002N.png").unlink()
    with pytest.raises(ValueError, match=r"mfnet: 1 of 5 samples have no file in .*images \(00002N\).*mfnet"):
        data.load("mfnet")


def test_mfnet_lists_and_names(tree):
    mfnet(tree, {"train": "00001D", "val": "00001X"})
    with pytest.raises(ValueError, match="expected a name that ends in D .day. or N .night., got '00001X'"):
        data.load("mfnet", "val")[0]
    with pytest.raises(data.DataMissing, match="expected the list .*test.txt"):
        data.load("mfnet", "test")
    with pytest.raises(ValueError, match="mfnet: split: expected one of train, val, trainval, test, test_day"):
        data.load("mfnet", "dev")


# --- FMB and MSRS


def test_fmb_reads_fifteen_ids_and_holds_a_part_back(tree):
    fmb(tree)
    everything, fit, val, test = (data.load("fmb", split) for split in ("train", "fit", "val", "test"))
    assert (len(everything), len(fit), len(val), len(test)) == (12, 11, 1, 2)
    assert not set(fit.names) & set(val.names) and set(fit.names) | set(val.names) == set(everything.names)
    assert everything[0]["labels"][:3, 0].tolist() == [0, 14, 9] and everything.classes[14] == "pole"
    assert everything[0]["ir"].shape == (1, *SIZE) and test.variant == "fmb-png"
    with pytest.raises(ValueError, match="split: expected one of train, fit, val, test, got 'dev'"):
        data.load("fmb", "dev")


def test_fmb_wrong_files(tree):
    base = fmb(tree)
    label_file(base / "test/Label/test000.png", ids(15))
    with pytest.raises(ValueError, match="test000.png: expected ids 0..14 or 255"):
        data.load("fmb", "test")[0]
    (base / "test/Label/test001.png").unlink()
    with pytest.raises(
        ValueError, match=r"fmb: 1 of 2 samples have no file in .*Label \(test001\).*data_scripts/obtain.py fmb"
    ):
        data.load("fmb", "test")


def test_msrs_full_layout_and_boxes(tree):
    msrs_full(tree)
    ds = data.load("msrs_full", boxes="fusion")
    assert (len(ds), ds.variant) == (12, "msrs_full-png+boxes-fusion")
    assert ds["00000D"]["boxes"].shape == (0, 4) and ds["00000D"]["box_labels"].dtype == torch.int64
    assert ds["00001N"]["boxes"].tolist() == [[6, 4, 18, 12]] and ds["00001N"]["time"] == "night"
    assert ds["00001N"]["box_labels"].tolist() == [2] and ds.box_classes[2] == "car" and ds.classes[2] == "person"
    assert ds["00001N"]["labels"][:3, 0].tolist() == [0, 8, 2]
    assert "boxes" not in data.load("msrs_full", "test")[0] and len(data.load("msrs_full", "val")) == 1
    with pytest.raises(
        data.DataMissing, match="12 of 12 samples have no file in .*visible/train.*load with boxes=None"
    ):
        data.load("msrs_full", boxes="visible")
    with pytest.raises(
        ValueError, match="msrs_full: boxes: expected one of None, fusion, visible, infrared, got 'thermal'"
    ):
        data.load("msrs_full", boxes="thermal")


def test_msrs_full_fingerprint_follows_the_boxes(tree):
    base = msrs_full(tree)
    before = data.load("msrs_full", boxes="fusion").fingerprint
    text_file(base / "labels_det/fusion/train/00001N.txt", "1 0.5 0.5 0.5 0.5\n")
    assert data.load("msrs_full", boxes="fusion").fingerprint != before


# --- VOC boxes


def test_voc_maps_by_name_and_leaves_flat_boxes_out(tmp_path):
    image = picture(tmp_path / "a.png", *SIZE)
    path = text_file(tmp_path / "a.xml", voc(("Lamp", 1, 2, 5, 6), ("car", 0, 0, 24.5, 16), ("Car", 3, 3, 3, 9)))
    boxes, labels = read_voc(path, image, CLASSES)
    assert boxes.tolist() == [[1, 2, 5, 6], [0, 0, 24, 16]] and labels.tolist() == [1, 0]
    for empty in (voc(), voc(("car", 3, 3, 3, 9)), voc(size=None)):
        boxes, labels = read_voc(text_file(path, empty), image, CLASSES)
        assert boxes.shape == (0, 4) and boxes.dtype == torch.float32
        assert labels.shape == (0,) and labels.dtype == torch.int64


@pytest.mark.parametrize(
    "content, message",
    [
        (voc(("Bus", 1, 2, 5, 6)), "unknown class 'Bus'; expected one of car, lamp"),
        (voc(("car", 1, 2, 5, 6))[:-9], "truncated or no XML"),
        ("", "truncated or no XML"),
        (voc(("car", 1, 2, 5, 6), size=(24, 16)), "expected boxes of a 16x24 image, got 24x16"),
        (voc(("car", 1, 2, "", 6)), "expected bndbox with xmin, ymin, xmax, ymax"),
        ("<annotation><object><name>car</name></object></annotation>", "expected bndbox"),
        (voc(("car", 5, 2, 1, 6)), "expected xmin <= xmax and ymin <= ymax"),
        (voc(("car", 1, 2, 26, 6)), "leaves the 24x16 image"),
        ("<!DOCTYPE a><annotation/>", "a document type of its own; do not trust"),
    ],
)
def test_broken_voc_files(tmp_path, content, message):
    with pytest.raises(ValueError, match=f"a.xml: .*{message}"):
        read_voc(text_file(tmp_path / "a.xml", content), picture(tmp_path / "a.png", *SIZE), CLASSES)


# --- M3FD and LLVIP


def test_m3fd_classes_by_name(tree):
    m3fd(tree)
    ds = data.load("m3fd")
    assert (len(ds), ds.variant, ds.box_classes[4]) == (8, "m3fd-png", "lamp")
    assert ds[0]["boxes"].tolist() == [[1, 2, 5, 6], [0, 0, 4, 8]] and ds[0]["box_labels"].tolist() == [4, 0]
    assert ds[0]["rgb"].shape == (3, *SIZE) and ds[0]["ir"].shape == (1, *SIZE)


def test_m3fd_is_split_by_scene_and_a_scene_never_leaks(tree):
    base = m3fd(tree)
    scenario(base, ("bridge", "train", 0, 2), ("street", "val", 3, 4), ("yard", "train", 5, 6))
    train, val = data.load("m3fd", "train").names, data.load("m3fd", "val").names
    assert (train, val) == (("00000", "00001", "00002", "00005", "00006"), ("00003", "00004")), "00007 is in no scene"
    scenario(base, ("bridge", "train", 0, 2), ("bridge", "val", 3, 4))
    with pytest.raises(ValueError, match=r"night/bridge lies in both train \(00000\) and val \(00003\)"):
        data.load("m3fd", "train")
    scenario(base, ("bridge", "train", 0, 3), ("street", "val", 3, 4))
    with pytest.raises(ValueError, match="scenario.json: expected scenarios.*frame 00003 in two scenes"):
        data.load("m3fd", "val")
    scenario(base, ("bridge", "train", 0, 2), ("street", "val", 7, 9))
    with pytest.raises(data.DataMissing, match="val of meta/scenario.json names 2 absent samples, such as 00008"):
        data.load("m3fd", "val")
    text_file(base / "meta/scenario.json", '[{"name": "night"}]')
    with pytest.raises(ValueError, match="scenario.json: expected scenarios with scenes, modes and ranges"):
        data.load("m3fd", "val")


def test_m3fd_lists(tree):
    base = m3fd(tree)
    with pytest.raises(
        data.DataMissing, match="no split by recording: expected meta/scenario.json, or .*obtain.py m3fd"
    ):
        data.load("m3fd", "train")
    text_file(base / "meta/train.txt", "00000.png\n00001.png\n")
    text_file(base / "meta/val.txt", "00002\n")
    assert data.load("m3fd", "train").names == ("00000", "00001") and data.load("m3fd", "val").names == ("00002",)
    text_file(base / "meta/val.txt", "00001\n00002\n")
    with pytest.raises(ValueError, match=r"sample 00001 lies in both train \(00001\) and val \(00001\)"):
        data.load("m3fd", "val")
    with pytest.raises(ValueError, match="m3fd: split: expected one of None, train, val, fusion, got 'test'"):
        data.load("m3fd", "test")


def test_m3fd_fusion_part_has_no_boxes(tree):
    base = m3fd(tree)
    with pytest.raises(data.DataMissing, match="no images in .*fusion"):
        data.load("m3fd", "fusion")
    pairs(base / "fusion", ("00003",), rgb="Vis", ir="Ir")
    ds = data.load("m3fd", "fusion")
    assert (ds.names, ds.fields, ds.variant) == (("00003",), ("rgb", "ir"), "m3fd-png+fusion")


def test_m3fd_missing_and_wrong_boxes(tree):
    base = m3fd(tree)
    text_file(base / "Annotation/00001.xml", voc(("Tram", 1, 2, 5, 6)))
    with pytest.raises(ValueError, match=r"00001.xml: unknown class 'Tram'; expected one of people, car, bus"):
        data.load("m3fd")["00001"]
    (base / "Annotation/00002.xml").unlink()
    with pytest.raises(
        data.DataMissing, match=r"m3fd: 1 of 8 samples have no file .*00002.xml; complete .*obtain.py m3fd"
    ):
        data.load("m3fd")


def test_llvip_folders_and_persons(tree):
    base = llvip(tree)
    ds = data.load("llvip")
    assert (ds.names, ds.variant, ds.box_classes) == (("010001", "010002"), "llvip-original", ("person",))
    assert ds[0]["boxes"].tolist() == [[2, 3, 8, 9]] and ds[0]["box_labels"].tolist() == [0]
    assert data.load("llvip", "test").names == ("190001",)
    (base / "infrared/test/190001.jpg").unlink()
    with pytest.raises(data.DataMissing, match="no images in .*infrared/test; obtain the set with"):
        data.load("llvip", "test")
    with pytest.raises(ValueError, match="llvip: split: expected one of train, test, got 'val'"):
        data.load("llvip", "val")


# --- splits


def test_what_is_held_back_lies_in_blocks_of_neighbours():
    names = [f"{i:04d}" for i in range(1000)]
    fit, val = held_back(names)
    assert len(val) == 100 and len(fit) == 900 and set(fit) | set(val) == set(names)
    assert val[:20] == tuple(names[180:200]) and val[20:40] == tuple(names[380:400]), "the last of every ten blocks"
    assert held_back(list(reversed(names))) == (fit, val), "whatever the order"
    assert held_back(names[:10])[1] == ("0009",)
    with pytest.raises(ValueError, match="expected at least 10 samples to hold some back, got 9"):
        held_back(names[:9])


def test_recordings_are_kept_apart():
    drives = {"a": "one", "b": "one", "c": "two"}
    require_apart("set", drives, {"train": ["a", "b"], "test": ["c", "d"]})
    with pytest.raises(ValueError, match=r"set: one lies in both train \(a\) and test \(b\)"):
        require_apart("set", drives, {"train": ["a"], "test": ["b", "c"]})
    with pytest.raises(ValueError, match="sample d lies in both"):
        require_apart("set", drives, {"train": ["d"], "test": ["d"]})
