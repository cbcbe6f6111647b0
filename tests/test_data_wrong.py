"""Every way a set can be wrong on disk or be asked for wrongly, one line each: the error says what, and what next."""

import data_trees
import paper_trees
import pytest
import torch
from data_trees import label_file, picture, text_file
from paper_trees import SIZE, ids, palette_file, rgbt_file, scenario, voc

from mmlib import data
from mmlib.data.flow_files import write_flow

AACHEN, HONNEF = "aachen_000000_000019", "bad-honnef_000001_000275"
LABELS = f"gtFine/train/aachen/{AACHEN}_gtFine_labelIds.png"
CAMERA = f"camera/train/aachen/{AACHEN}_camera.json"
FLOW = "flow/dis/previous"
MAKE = {
    "msrs": data_trees.msrs,
    "camvid": data_trees.camvid,
    "camvid_video": data_trees.camvid,
    "davis": data_trees.davis,
    "cityscapes": paper_trees.cityscapes,
    "gta5": paper_trees.gta5,
    "mfnet": paper_trees.mfnet,
    "fmb": paper_trees.fmb,
    "msrs_full": paper_trees.msrs_full,
    "m3fd": paper_trees.m3fd,
    "llvip": paper_trees.llvip,
}


def nothing(base):
    """Leave the set as it is: the question is wrong."""


def without(path):
    return lambda base: (base / path).unlink()


def text(path, content):
    return lambda base: text_file(base / path, content)


def labels(path, *values, size=SIZE):
    return lambda base: label_file(base / path, ids(*values, size=size))


def colour(path):
    return lambda base: picture(base / path, *SIZE)


def torn(path, keep=60):
    return lambda base: (base / path).write_bytes((base / path).read_bytes()[:keep])


def scenes(*listed):
    return lambda base: scenario(base, *listed)


def lists(train, val):
    return lambda base: (text_file(base / "meta/train.txt", train), text_file(base / "meta/val.txt", val))


def flows(**sizes):
    files = {"aachen": AACHEN, "honnef": HONNEF}
    return lambda base: [
        write_flow(base / FLOW / f"{files[city]}.npz", torch.zeros(2, *size)) for city, size in sizes.items()
    ]


def cameras(content):
    def spoil(base):
        for name in (AACHEN, HONNEF):
            paper_trees.depth(base, name)
        text_file(base / CAMERA, content)

    return spoil


WRONG = [  # set, what is done to it, how it is asked for, message; read=True: only the first sample's reading fails
    ("msrs", nothing, {"split": "dev"}, "msrs: split: expected one of None, train, val, test, got 'dev'"),
    ("msrs", nothing, {"boxes": "thermal"}, "msrs: boxes: expected one of None, fusion, visible, infrared"),
    ("msrs", nothing, {"derived": "truth"}, "msrs: derived: expected one of None, weak"),
    ("msrs", nothing, {"derived": "mfnet_pseudo"}, "mfnet_pseudo does not exist; .*data pack"),
    ("msrs", nothing, {"labels": True}, "real masks are not here.*labels_seg"),
    ("msrs", labels("weak_masks/00001D.png", 4), {"derived": "weak", "read": True},
     r"00001D.png: expected ids 0..3 or 255 \(ignore\), got 4"),
    ("msrs", text("splits/val.txt", "99999D\n"), {"split": "val"}, "val.txt names 1 absent samples, such as 99999D"),
    ("msrs", text("splits/val.txt", "\n"), {"split": "val"}, "val.txt is empty"),
    ("msrs", text("splits/val.txt", "00001D\n00001D\n"), {"split": "val"}, "names a sample twice"),
    ("msrs", without("labels_det/fusion/00002N.txt"), {}, "1 of 3 samples have no file .*00002N.*boxes=None"),
    ("camvid", nothing, {"split": "dev"}, "split: expected one of train, val, test, source_day_train"),
    ("camvid", nothing, {"split": "target_dusk_unlabelled", "expressions": True}, "no labels to make expressions from"),
    ("camvid", labels("val/labels/0016E5_1.png", 12), {"split": "val", "read": True}, "expected ids 0..11 or 255"),
    ("camvid", text("train.txt", "0006R0_1\nghost\n"), {}, "train.txt names 1 absent samples, such as ghost; complete"),
    ("camvid", without("day2dusk/source_day_train.txt"), {"split": "source_day_train"},
     "expected the list .*source_day_train.txt"),
    ("camvid", without("referring_templates.jsonl"), {"expressions": True}, "does not exist.*camvid --from FOLDER"),
    ("camvid_video", text("video_pairs_0016E5_15hz.txt", "0016E5_1 0016E5_9\n"), {},
     "names 1 absent samples, such as 0016E5_9"),
    ("camvid_video", text("video_pairs_0016E5_15hz.txt", "0016E5_1\n"), {}, "expected 'frame next_frame'"),
    ("davis", nothing, {"split": "cat"}, "expected one of None, val, camel, dog, got 'cat'"),
    ("davis", labels("masks/camel/00000.png", 7), {"read": True}, r"expected a mask of 0 and 1, .* got ids \[7\]"),
    ("davis", labels("masks/camel/00000.png", 1, 255), {"read": True}, r"got ids \[1, 255\]"),
    ("davis", without("captions_handwritten.json"), {"expressions": True}, "captions_handwritten.json does not exist"),
    ("davis", text("captions_handwritten.json", "{}"), {"expressions": True}, "no caption for camel, dog"),
    ("davis", without("masks/dog/00001.png"), {}, r"davis: 1 of 3 samples have no file .*00001"),
    ("cityscapes", nothing, {"split": "demoVideo"}, "cityscapes: split: expected one of train, val, test, got"),
    ("cityscapes", nothing, {"towards": "both"}, "cityscapes: towards: expected one of previous, next, got 'both'"),
    ("cityscapes", nothing, {"split": "val"}, "leftImg8bit/val/CITY.*got none; unpack leftImg8bit_trainvaltest.zip"),
    ("cityscapes", without(LABELS), {}, rf"1 of 2 files missing in gtFine/, such as .*{AACHEN}.*gtFine_trainval"),
    ("cityscapes", without(f"leftImg8bit_sequence/train/aachen/{AACHEN[:-2]}18_leftImg8bit.png"), {"frame": True},
     "1 of 2 .*aachen_000000_000018_leftImg8bit.png; unpack .*sequence_tr"),
    ("cityscapes", colour("leftImg8bit/train/aachen/holiday_leftImg8bit.png"), {},
     "expected names CITY_SEQUENCE_FRAME with six digits each, got 'holiday'"),
    ("cityscapes", labels(LABELS, 7, size=(16, 22)), {"read": True},
     f"cityscapes/{AACHEN}: expected one height x width, got rgb 16x24, labels 16x22"),
    ("cityscapes", colour(LABELS), {"read": True}, r"labelIds.png: expected label ids \(grey or paletted\), got a RGB"),
    ("cityscapes", torn(LABELS), {"read": True}, "labelIds.png: truncated or damaged image"),
    ("cityscapes", flows(aachen=SIZE), {"flow": "dis"},
     f"1 of 2 .* no flow in .*dis/previous, such as {HONNEF}.*flow.py cityscapes --split train --method dis"),
    ("cityscapes", flows(aachen=SIZE, honnef=SIZE), {"flow": "dis", "towards": "next"}, "2 of 2 samples"),
    ("cityscapes", flows(aachen=(8, 24), honnef=SIZE), {"flow": "dis", "read": True},
     "expected one height x width, got rgb 16x24, labels 16x24, flow 8x24"),
    ("cityscapes", nothing, {"flow": "../raft"}, "method: expected a plain word such as 'dis', got '../raft'"),
    ("cityscapes", nothing, {"depth": True}, "2 of 2 files missing in disparity/.*unpack disparity_trainvaltest.zip"),
    ("cityscapes", cameras('{"intrinsic": {}}'), {"depth": True, "read": True}, "camera.json: .*extrinsic"),
    ("gta5", nothing, {"split": "all"}, "split: expected one of None, train, val, test, got 'all'"),
    ("gta5", nothing, {"split": "val"}, "expected the list .*val.txt"),
    ("gta5", text("val.txt", "00009\n"), {"split": "val"}, "val.txt names 1 absent samples, such as 00009"),
    ("gta5", lambda base: palette_file(base / "labels/00001.png", ids(7, 90)), {"read": True},
     "00001.png: expected label ids 0..34 or 255, got 7 to 90"),
    ("gta5", without("labels/00002.png"), {},
     r"gta5: 1 of 3 samples have no file in .*labels \(00002\).*obtain.py gta5"),
    ("mfnet", nothing, {"split": "dev"}, "mfnet: split: expected one of train, val, trainval, test, test_day"),
    ("mfnet", without("test.txt"), {"split": "test"}, "expected the list .*test.txt"),
    ("mfnet", labels("labels/00001D.png", 0, 9), {"read": True}, "labels/00001D.png: expected ids 0..8 or 255"),
    ("mfnet", colour("images/00001D.png"), {"read": True}, r"expected four channels \(RGB and thermal\), got mode RGB"),
    ("mfnet", torn("images/00001D.png", 50), {"read": True}, "00001D.png: truncated or damaged image"),
    ("mfnet", without("images/00002N.png"), {}, r"1 of 5 samples have no file in .*images \(00002N\).*obtain.py mfnet"),
    ("mfnet", lambda base: [text_file(base / "train.txt", "00001X\n"), rgbt_file(base / "images/00001X.png"),
                            label_file(base / "labels/00001X.png", ids(0))],
     {"read": True}, "expected a name that ends in D .day. or N .night., got '00001X'"),
    ("fmb", nothing, {"split": "dev"}, "split: expected one of train, fit, val, test, got 'dev'"),
    ("fmb", labels("test/Label/test000.png", 15), {"split": "test", "read": True},
     "test000.png: expected ids 0..14 or 255"),
    ("fmb", without("test/Label/test001.png"), {"split": "test"},
     r"fmb: 1 of 2 samples have no file in .*Label \(test001\).*obtain.py fmb"),
    ("msrs_full", nothing, {"boxes": "thermal"}, "msrs_full: boxes: expected one of None, fusion, visible, infrared"),
    ("msrs_full", nothing, {"boxes": "visible"}, "12 of 12 samples have no file in .*visible/train.*boxes=None"),
    ("m3fd", nothing, {"split": "test"}, "m3fd: split: expected one of None, train, val, fusion, got 'test'"),
    ("m3fd", nothing, {"split": "fusion"}, "no images in .*fusion"),
    ("m3fd", nothing, {"split": "train"}, "no split by recording: expected meta/scenario.json, or .*obtain.py m3fd"),
    ("m3fd", lists("00000\n00001\n", "00001\n00002\n"), {"split": "val"},
     r"sample 00001 lies in both train \(00001\) and val \(00001\)"),
    ("m3fd", scenes(("bridge", "train", 0, 2), ("bridge", "val", 3, 4)), {"split": "train"},
     r"night/bridge lies in both train \(00000\) and val \(00003\)"),
    ("m3fd", scenes(("bridge", "train", 0, 3), ("street", "val", 3, 4)), {"split": "val"},
     "scenario.json: expected scenarios.*frame 00003 in two scenes"),
    ("m3fd", scenes(("bridge", "train", 0, 2), ("street", "val", 7, 9)), {"split": "val"},
     "val of meta/scenario.json names 2 absent samples, such as 00008"),
    ("m3fd", text("meta/scenario.json", '[{"name": "night"}]'), {"split": "val"},
     "scenario.json: expected scenarios with scenes, modes and ranges"),
    ("m3fd", text("Annotation/00000.xml", voc(("Tram", 1, 2, 5, 6))), {"read": True},
     "00000.xml: unknown class 'Tram'; expected one of people, car, bus"),
    ("m3fd", without("Annotation/00002.xml"), {}, "m3fd: 1 of 8 samples have no file .*00002.xml; .*obtain.py m3fd"),
    ("llvip", nothing, {"split": "val"}, "llvip: split: expected one of train, test, got 'val'"),
    ("llvip", without("infrared/test/190001.jpg"), {"split": "test"},
     "no images in .*infrared/test; obtain the set with"),
]  # fmt: skip


@pytest.mark.parametrize("name, spoil, asked, message", WRONG)
def test_what_is_wrong_is_said(tree, name, spoil, asked, message):
    spoil(MAKE[name](tree))
    options = {key: value for key, value in asked.items() if key != "read"}
    if not asked.get("read"):
        with pytest.raises((ValueError, data.DataMissing), match=message):
            data.load(name, **options)
    else:
        ds = data.load(name, **options)
        with pytest.raises(ValueError, match=message):
            ds[0]
