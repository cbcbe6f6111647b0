"""mmlib.data: MSRS, CamVid, DAVIS, Middlebury and the weights, on made-up trees."""

import json
import pickle

import numpy as np
import pytest
import torch
from data_trees import camvid, davis, flo_bytes, label_file, msrs, picture, sign, text_file

from mmlib import data
from mmlib.data import templates
from mmlib.data.boxes import read_boxes
from mmlib.data.flow_files import read_flow_file


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """An empty data root that MMLIB_DATA points to."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    return tmp_path


# --- MSRS


def test_msrs_fields_boxes_and_splits(tree):
    msrs(tree)
    ds = data.load("msrs")
    assert (len(ds), ds.variant, ds.box_classes) == (3, "msrs-jpeg92", ("person", "bicycle", "car"))
    assert ds[0]["boxes"].tolist() == [[2, 1.5, 6, 4.5]] and ds[0]["box_labels"].tolist() == [2]
    assert ds["00003D"]["boxes"].shape == (0, 4) and ds["00003D"]["box_labels"].dtype == torch.int64
    assert [s["time"] for s in ds] == ["day", "night", "day"]
    assert [data.load("msrs", s).names for s in ("train", "val", "test")] == [("00001D",), ("00002N",), ("00003D",)]
    assert "boxes" not in data.load("msrs", boxes=None)[0]


def test_msrs_masks_say_that_they_are_derived(tree):
    base = msrs(tree)
    ds = data.load("msrs", derived="weak")
    assert "labels" not in ds[0] and ds[0]["derived_labels"].dtype == torch.int64
    assert ds.variant.endswith("+weak") and "not ground truth" in ds.note
    label_file(base / "weak_masks/00001D.png", torch.full((6, 8), 4))
    with pytest.raises(ValueError, match=r"00001D.png: expected ids 0..3 or 255 \(ignore\), got 4 \(48 px\)"):
        ds["00001D"]
    with pytest.raises(data.DataMissing, match="mfnet_pseudo does not exist"):
        data.load("msrs", derived="mfnet_pseudo")


def test_msrs_real_masks_only_where_somebody_added_them(tree):
    base = msrs(tree)
    with pytest.raises(data.DataMissing, match="real masks are not here.*labels_seg"):
        data.load("msrs", labels=True)
    for name in ("00001D", "00002N", "00003D"):
        label_file(base / f"labels_seg/{name}.png", torch.full((6, 8), 8))
    ds = data.load("msrs", labels=True)
    assert ds[0]["labels"].unique().tolist() == [8] and not ds.note and len(ds.classes) == 9


@pytest.mark.parametrize("options", [{"split": "dev"}, {"boxes": "thermal"}, {"derived": "truth"}])
def test_msrs_arguments(tree, options):
    msrs(tree)
    with pytest.raises(ValueError, match=f"msrs: {next(iter(options))}: expected one of"):
        data.load("msrs", **options)


def test_msrs_missing_box_files_and_strange_splits(tree):
    base = msrs(tree)
    text_file(base / "splits/val.txt", "99999D\n")
    with pytest.raises(data.DataMissing, match="val.txt names 1 absent samples, such as 99999D"):
        data.load("msrs", "val")
    text_file(base / "splits/val.txt", "\n")
    with pytest.raises(ValueError, match="val.txt is empty"):
        data.load("msrs", "val")
    text_file(base / "splits/val.txt", "00001D\n00001D\n")
    with pytest.raises(ValueError, match="names a sample twice"):
        data.load("msrs", "val")
    (base / "labels_det/fusion/00002N.txt").unlink()
    with pytest.raises(data.DataMissing, match=r"1 of 3 samples have no file .*00002N.*boxes=None"):
        data.load("msrs")


@pytest.mark.parametrize(
    "line", ["3 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "0 a b c d", "0 1.5 0.5 0.1 0.1", "0.5 0.5 0.5 0.1 0.1"]
)
def test_bad_box_lines(tmp_path, line):
    path = text_file(tmp_path / "a.txt", f"1 0.5 0.5 0.5 0.5\n{line}\n")
    with pytest.raises(ValueError, match=r"a.txt:2: expected 'class xc yc w h' with class 0..2"):
        read_boxes(path, picture(tmp_path / "a.png"), 3)


def test_boxes_outside_the_image(tmp_path):
    image = picture(tmp_path / "a.png", 60, 80)
    with pytest.raises(ValueError, match="leaves the 80x60 image"):
        read_boxes(text_file(tmp_path / "a.txt", "0 0.9 0.5 0.4 0.1\n"), image, 3)
    boxes, _ = read_boxes(text_file(tmp_path / "b.txt", "0 0.9 0.5 0.21 0.1\n"), image, 3)
    assert boxes[0, 2] == 80, "less than a pixel outside is cut"


# --- CamVid


def test_camvid_reads_ids_and_ignores_unlabelled(tree):
    camvid(tree)
    sample = data.load("camvid", "train")["0006R0_1"]
    assert sample["labels"].unique().tolist() == [0, 8, 255]
    assert int((sample["labels"] == 255).sum()) == 50
    assert [len(data.load("camvid", s)) for s in ("train", "val", "test")] == [2, 2, 1]
    with pytest.raises(ValueError, match="split: expected one of train, val, test, source_day_train"):
        data.load("camvid", "dev")


def test_camvid_published_layout(tree):
    base = tree / "camvid"
    picture(base / "val/0016E5_1.png", 4, 5)
    label_file(base / "valannot/0016E5_1.png", torch.full((4, 5), 3))
    ds = data.load("camvid", "val")
    assert ds.variant == "camvid-png" and ds[0]["labels"].unique().tolist() == [3]


def test_camvid_label_ids_out_of_range(tree):
    base = camvid(tree)
    label_file(base / "val/labels/0016E5_1.png", torch.full((360, 480), 12))
    with pytest.raises(ValueError, match="expected ids 0..11 or 255"):
        data.load("camvid", "val")[0]


def test_camvid_lists(tree):
    base = camvid(tree)
    assert data.load("camvid", "source_day_train").names == ("0006R0_1",)
    dusk = data.load("camvid", "target_dusk_unlabelled")
    assert list(dusk[0]) == ["name", "rgb"]
    with pytest.raises(ValueError, match="no labels to make expressions from"):
        data.load("camvid", "target_dusk_unlabelled", expressions=True)
    text_file(base / "train.txt", "0006R0_1\nghost\n")
    with pytest.raises(data.DataMissing, match="train.txt names 1 absent samples, such as ghost; complete the set"):
        data.load("camvid", "train")
    (base / "day2dusk/target_dusk_unlabelled.txt").unlink()
    with pytest.raises(data.DataMissing, match="expected the list .*target_dusk_unlabelled.txt"):
        data.load("camvid", "target_dusk_unlabelled")


def test_camvid_video(tree):
    base = camvid(tree)
    ds = data.load("camvid_video")
    assert len(ds) == 1 and list(ds[0]) == ["name", "rgb", "rgb_next", "labels", "labels_next"]
    text_file(base / "video_pairs_0016E5_15hz.txt", "0016E5_1 0016E5_9\n")
    with pytest.raises(data.DataMissing, match="names 1 absent samples, such as 0016E5_9"):
        data.load("camvid_video")
    text_file(base / "video_pairs_0016E5_15hz.txt", "0016E5_1\n")
    with pytest.raises(ValueError, match="expected 'frame next_frame'"):
        data.load("camvid_video")


def test_referring_templates_become_masks(tree):
    camvid(tree)
    everything, left, largest = data.load("camvid", "train", expressions=True)["0006R0_1"]["expressions"]
    assert everything.text == "all the cars" and int(everything.mask.sum()) == 900 + 2400
    assert left.mask[20, 20] and int(left.mask.sum()) == 900
    assert largest.kind == "largest" and largest.mask[120, 330] and int(largest.mask.sum()) == 2400


def test_templates_count_in_the_fingerprint_and_may_be_absent(tree):
    base = camvid(tree)
    before = data.load("camvid", "train", expressions=True)
    assert before.variant == "camvid-jpeg92+templates"
    assert before.fingerprint != data.load("camvid", "train").fingerprint
    hashes = before.fingerprint
    with open(base / "referring_templates.jsonl", "a") as file:
        file.write("\n" + json.dumps({"image": "0001TP_1", "text": "the sky", "cls": 0, "rule": "all"}))
    assert data.load("camvid", "train", expressions=True).fingerprint != hashes
    (base / "referring_templates.jsonl").unlink()
    with pytest.raises(data.DataMissing, match="referring_templates.jsonl does not exist.*--from FOLDER"):
        data.load("camvid", "train", expressions=True)


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


@pytest.mark.parametrize(
    "line", ["{", '{"text": "x"}', '{"image": "a", "text": "x", "cls": 0, "rule": "largest"}', "[]"]
)
def test_bad_template_lines(tmp_path, line):
    good = json.dumps({"image": "a", "text": "the sky", "cls": 0, "rule": "all"})
    with pytest.raises(ValueError, match=r"t.jsonl:2: expected JSON with image, text, cls"):
        templates.read_templates(text_file(tmp_path / "t.jsonl", f"{good}\n{line}\n"))


# --- DAVIS, Middlebury, weights


def test_davis_frames_pairs_and_sentences(tree):
    base = davis(tree)
    ds = data.load("davis")
    assert len(ds) == 6 and ds[0]["name"] == "camel/00000" and ds[0]["mask"].dtype == torch.bool
    assert int(ds[0]["mask"].sum()) == 24
    pairs = data.load("davis", pairs=True)
    assert pairs.names == ("camel/00000", "camel/00001", "dog/00000", "dog/00001"), "no pair across sequences"
    assert data.load("davis", "dog").names == ("dog/00000", "dog/00001", "dog/00002")
    assert data.load("davis", expressions=True)["dog/00001"]["expressions"][0].text == "a dog"
    with pytest.raises(ValueError, match=r"expected one of None, val, camel, dog, got 'cat'"):
        data.load("davis", "cat")
    label_file(base / "masks/dog/00000.png", torch.full((6, 8), 255))
    assert data.load("davis", "dog")[0]["mask"].all(), "published masks hold 0 and 255"
    label_file(base / "masks/dog/00000.png", torch.full((6, 8), 7))
    with pytest.raises(ValueError, match=r"expected a mask of 0 and 1, or 0 and 255, got ids \[7\]"):
        data.load("davis", "dog")[0]
    (base / "captions_handwritten.json").unlink()
    with pytest.raises(data.DataMissing, match="captions_handwritten.json does not exist"):
        data.load("davis", expressions=True)
    (base / "masks/dog/00001.png").unlink()
    with pytest.raises(ValueError, match=r"davis: 1 of 3 samples have no file .*00001"):
        data.load("davis")


def test_middlebury_repacked_and_published(tree):
    flow = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    flow[1, 2] = np.nan
    base = tree / "middlebury_flow"
    for frame in ("frame10", "frame11"):
        picture(base / f"Venus/{frame}.png", 3, 4)
        picture(base / f"other-data/Venus/{frame}.png", 3, 4)
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


def test_broken_flow_files(tmp_path):
    good = flo_bytes(np.zeros((2, 3, 2)))
    for name, content in {"tag": b"\0" * 20, "short": good[:-3], "tiny": b"PIEH"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="expected"):
            read_flow_file((tmp_path / name).rename(tmp_path / f"{name}.flo"))
    np.savez(tmp_path / "other.npz", depth=np.zeros(3))
    np.savez(tmp_path / "flat.npz", flow=np.zeros((3, 4)))
    (tmp_path / "torn.npz").write_bytes((tmp_path / "flat.npz").read_bytes()[:50])
    for name in ("other", "flat", "torn"):
        with pytest.raises(ValueError, match=f"{name}.npz: expected"):
            read_flow_file(tmp_path / f"{name}.npz")


def test_weights_are_checked_and_safely_read(tree):
    base = tree / "weights"
    base.mkdir()
    path = base / data.WEIGHTS["mfnet"]
    torch.save({"w": torch.ones(2, dtype=torch.float16), "n": torch.tensor(3)}, path)
    with pytest.raises(data.DataMissing, match="no sha256 to check"):
        data.weights("mfnet")
    sign(base)
    data.folders.manifest.cache_clear()
    state = data.weights("mfnet")
    assert state["w"].dtype == torch.float32 and state["n"].dtype == torch.int64
    with pytest.raises(data.DataMissing, match="gmflow.*data_scripts/obtain.py weights"):
        data.weights("gmflow")
    with pytest.raises(ValueError, match="expected one of mobilenet_v2"):
        data.weights("resnet50")


def test_weights_that_carry_code_are_refused(tree):
    base = tree / "weights"
    base.mkdir()
    torch.save({"w": print}, base / data.WEIGHTS["mfnet"])
    sign(base)
    with pytest.raises(pickle.UnpicklingError):
        data.weights("mfnet")
