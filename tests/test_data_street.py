"""Cityscapes and GTA5 on made-up trees: ids, neighbours, flow and depth, and every way a tree can be wrong."""

import pickle

import numpy as np
import pytest
import torch
from data_trees import flo_bytes, label_file, picture, sign, text_file
from paper_trees import SIZE, cityscapes, depth, gta5, ids, palette_file

from mmlib import data
from mmlib.data import cityscapes_depth, street19
from mmlib.data.cityscapes import snippets
from mmlib.data.flow_files import write_flow

AACHEN, HONNEF = "aachen_000000_000019", "bad-honnef_000001_000275"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """An empty data root that MMLIB_DATA points to."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    return tmp_path


# --- ids


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


# --- Cityscapes


def test_cityscapes_reads_images_and_train_ids(tree):
    cityscapes(tree)
    cityscapes(tree, ("munster_000000_000019",), "val")
    ds = data.load("cityscapes")
    assert (ds.names, ds.fields, ds.variant) == ((AACHEN, HONNEF), ("rgb", "labels"), "cityscapes-png")
    assert ds[0]["rgb"].shape == (3, *SIZE) and ds[0]["labels"][:5, 0].tolist() == [0, 13, 255, 18, 255]
    assert data.load("cityscapes", "val").names == ("munster_000000_000019",)
    assert ds.classes[13] == "car" and data.available("cityscapes")


def test_the_test_split_has_no_labels_to_offer(tree):
    cityscapes(tree, split="test")
    ds = data.load("cityscapes", "test")
    assert ds.fields == ("rgb",) and "server" in ds.note


def test_neighbouring_frames_are_found_by_number(tree):
    cityscapes(tree)
    before = data.load("cityscapes", frame=True)[HONNEF]
    after = data.load("cityscapes", frame=True, towards="next")[HONNEF]
    assert before["rgb_previous"].mean() < before["rgb"].mean() < after["rgb_next"].mean()
    batch = data.collate(list(data.load("cityscapes", frame=True)), fit="crop", size=(8, 8))
    assert batch["rgb_previous"].shape == (2, 3, 8, 8)


def test_snippets_are_counted_by_their_neighbours(tree):
    cityscapes(tree, (AACHEN,), around=range(-19, 11))
    cityscapes(tree, (HONNEF,), around=(-1,))
    assert snippets("train") == {"labelled": 2, "previous": 2, "next": 1, "whole snippet": 1}


def test_missing_parts_of_cityscapes_name_the_archive(tree):
    base = cityscapes(tree)
    with pytest.raises(data.DataMissing, match=r"leftImg8bit/val/CITY.*got none; unpack leftImg8bit_trainvaltest.zip"):
        data.load("cityscapes", "val")
    (base / f"gtFine/train/aachen/{AACHEN}_gtFine_labelIds.png").unlink()
    with pytest.raises(
        data.DataMissing, match=rf"1 of 2 files missing in gtFine/, such as .*{AACHEN}.*gtFine_trainval"
    ):
        data.load("cityscapes")
    cityscapes(tree, around=(1,))
    (base / f"leftImg8bit_sequence/train/aachen/{AACHEN[:-2]}18_leftImg8bit.png").unlink()
    with pytest.raises(data.DataMissing, match=r"1 of 2 .*aachen_000000_000018_leftImg8bit.png; unpack .*sequence_tr"):
        data.load("cityscapes", frame=True)
    assert len(data.load("cityscapes", frame=True, towards="next")) == 2
    picture(base / "leftImg8bit/train/aachen/holiday_leftImg8bit.png", *SIZE)
    with pytest.raises(ValueError, match="expected names CITY_SEQUENCE_FRAME with six digits each, got 'holiday'"):
        data.load("cityscapes")


def test_arguments_of_cityscapes(tree):
    cityscapes(tree)
    for options in ({"split": "demoVideo"}, {"towards": "both"}):
        with pytest.raises(
            ValueError,
            match="cityscapes: (split: expected one of train, val, test|towards: expected one of previous, next), got",
        ):
            data.load("cityscapes", **options)


def test_wrong_files_of_cityscapes(tree):
    base = cityscapes(tree)
    path = base / f"gtFine/train/aachen/{AACHEN}_gtFine_labelIds.png"
    label_file(path, ids(7, size=(16, 22)))
    with pytest.raises(
        ValueError, match=rf"cityscapes/{AACHEN}: expected one height x width, got rgb 16x24, labels 16x22"
    ):
        data.load("cityscapes")[AACHEN]
    picture(path, *SIZE)
    with pytest.raises(ValueError, match=r"labelIds.png: expected label ids \(grey or paletted\), got a RGB picture"):
        data.load("cityscapes")[AACHEN]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match="labelIds.png: truncated or damaged image"):
        data.load("cityscapes")[AACHEN]


# --- flow beside the frames


def test_precomputed_flow_in_three_formats(tree):
    base = cityscapes(tree)
    flow = torch.arange(2 * 16 * 24).reshape(2, *SIZE).float() / 8
    flow[:, 3, 4] = torch.nan
    write_flow(base / f"flow/dis/previous/{AACHEN}.npz", flow)
    array = flow.permute(1, 2, 0).numpy()
    np.save(base / f"flow/dis/previous/{HONNEF}.npy", array)
    ds = data.load("cityscapes", flow="dis")
    assert ds.variant == "cityscapes-png+flow-dis-previous" and ds.fields == ("rgb", "labels", "flow", "valid")
    (base / f"flow/dis/previous/{AACHEN}.npz").rename(base / "away.npz")
    (base / f"flow/dis/previous/{AACHEN}.flo").write_bytes(flo_bytes(np.nan_to_num(array, nan=1e10)))
    for sample in (ds[HONNEF], data.load("cityscapes", flow="dis")[AACHEN]):
        assert sample["flow"][:, 1, 2].tolist() == [26 / 8, (384 + 26) / 8]
        assert sample["flow"][:, 3, 4].tolist() == [0, 0] and not sample["valid"][3, 4]
        assert int(sample["valid"].sum()) == 16 * 24 - 1


def test_missing_and_foreign_flow(tree):
    base = cityscapes(tree)
    write_flow(base / f"flow/dis/previous/{AACHEN}.npz", torch.zeros(2, *SIZE))
    wanted = rf"1 of 2 .* no flow in .*dis/previous, such as {HONNEF}.*flow.py cityscapes --split train --method dis"
    with pytest.raises(data.DataMissing, match=wanted):
        data.load("cityscapes", flow="dis")
    with pytest.raises(data.DataMissing, match="2 of 2 samples"):
        data.load("cityscapes", flow="dis", towards="next")
    write_flow(base / f"flow/dis/previous/{HONNEF}.npz", torch.zeros(2, 8, 24))
    with pytest.raises(ValueError, match="expected one height x width, got rgb 16x24, labels 16x24, flow 8x24"):
        data.load("cityscapes", flow="dis")[HONNEF]
    with pytest.raises(ValueError, match="method: expected a plain word such as 'dis', got '../raft'"):
        data.load("cityscapes", flow="../raft")


# --- depth


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


def test_a_disparity_of_zero_is_infinitely_far():
    camera = {"fx": 1.0, "fy": 1.0, "cx": -1.0, "cy": -1.0, "baseline": 1.0}
    assert cityscapes_depth.points_of(torch.zeros(1, 1), camera)[:, 0, 0].tolist() == [torch.inf] * 3


def test_missing_and_wrong_depth(tree):
    base = cityscapes(tree, (AACHEN,))
    with pytest.raises(
        data.DataMissing, match=r"1 of 1 files missing in disparity/.*unpack disparity_trainvaltest.zip"
    ):
        data.load("cityscapes", depth=True)
    depth(base)
    path = base / f"camera/train/aachen/{AACHEN}_camera.json"
    for content, message in {"{": "expected JSON", '{"intrinsic": {}}': "extrinsic", "[]": "expected JSON"}.items():
        text_file(path, content)
        with pytest.raises(ValueError, match=f"camera.json: .*{message}"):
            data.load("cityscapes", depth=True)[0]
    text_file(path, '{"intrinsic": {"fx": 0, "fy": 1, "u0": 1, "v0": 1}, "extrinsic": {"baseline": 0.2}}')
    with pytest.raises(ValueError, match="expected fx, fy and baseline above 0"):
        data.load("cityscapes", depth=True)[0]


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


# --- GTA5


def test_gta5_reads_palette_indices_as_ids(tree):
    gta5(tree)
    ds = data.load("gta5")
    assert len(ds) == 3 and ds.variant == "gta5-png" and ds.classes == street19.CLASSES
    assert ds[0]["labels"][:4, 0].tolist() == [0, 255, 2, 255], "not the palette's colours"


def test_gta5_lists(tree):
    base = gta5(tree)
    with pytest.raises(data.DataMissing, match="expected the list .*val.txt"):
        data.load("gta5", "val")
    text_file(base / "val.txt", "00002.png\n00003\n")
    assert data.load("gta5", "val").names == ("00002", "00003")
    text_file(base / "val.txt", "00009\n")
    with pytest.raises(data.DataMissing, match="val.txt names 1 absent samples, such as 00009"):
        data.load("gta5", "val")
    with pytest.raises(ValueError, match="split: expected one of None, train, val, test, got 'all'"):
        data.load("gta5", "all")


def test_gta5_misfits_are_left_out_unless_asked_for(tree):
    base = gta5(tree, ("00001", "15188", "20801"))
    palette_file(base / "labels/15188.png", ids(7, size=(12, 24)))
    assert data.load("gta5").names == ("00001",)
    everything = data.load("gta5", misfits=True)
    assert len(everything) == 3 and everything.variant == "gta5-png+misfits"
    with pytest.raises(ValueError, match="gta5/15188: expected one height x width"):
        everything["15188"]


def test_gta5_wrong_files(tree):
    base = gta5(tree)
    palette_file(base / "labels/00001.png", ids(7, 90))
    with pytest.raises(ValueError, match="00001.png: expected label ids 0..34 or 255, got 7 to 90"):
        data.load("gta5")["00001"]
    (base / "labels/00002.png").unlink()
    with pytest.raises(
        ValueError, match=r"gta5: 1 of 3 samples have no file in .*labels \(00002\).*data_scripts/obtain.py gta5"
    ):
        data.load("gta5")
