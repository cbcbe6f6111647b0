"""Made-up data sets, a few tiny files each, laid out as the real ones."""

import hashlib
import io
import json
import struct

import torch
from PIL import Image

from mmlib.data.flow_files import FLO_TAG
from mmlib.images import to_hwc, write_image, write_labels


def picture(path, height=6, width=8, channels=3, level=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, torch.full((channels, height, width), level))
    return path


def png(channels=3, level=0.5, size=(6, 8)):
    """The bytes of a PNG of one colour."""
    buffer = io.BytesIO()
    Image.fromarray(to_hwc(torch.full((channels, *size), level))).save(buffer, "PNG")
    return buffer.getvalue()


def label_file(path, ids):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_labels(path, torch.as_tensor(ids))
    return path


def text_file(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def sign(folder):
    """Write a MANIFEST.sha256 of everything in a folder."""
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}"
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    ]
    text_file(folder / "MANIFEST.sha256", "\n".join(lines) + "\n")


def roadscene(tree, names=("b", "a", "c"), vi="vi", ir="ir", suffix="jpg"):
    for name in names:
        picture(tree / "roadscene" / vi / f"{name}.{suffix}", level=0.25)
        picture(tree / "roadscene" / ir / f"{name}.{suffix}", channels=1, level=0.75)


def msrs(tree, names=("00001D", "00002N", "00003D")):
    base = tree / "msrs"
    for name in names:
        picture(base / "vi" / f"{name}.jpg")
        picture(base / "ir" / f"{name}.jpg", channels=1)
        for sensor in ("visible", "infrared", "fusion"):
            text_file(base / "labels_det" / sensor / f"{name}.txt", "2 0.5 0.5 0.5 0.5\n" if name != "00003D" else "")
        label_file(base / "weak_masks" / f"{name}.png", torch.arange(48).reshape(6, 8) % 4)
    for split, name in zip(("train", "val", "test"), names):
        text_file(base / "splits" / f"{split}.txt", f"{name}\n")
    return base


def camvid(tree):
    base = tree / "camvid"
    labels = torch.zeros(360, 480, dtype=torch.int64)
    labels[10:40, 10:40] = 8
    labels[100:140, 300:360] = 8
    labels[200:210, 0:5] = 11
    for split, frames in {"train": ("0006R0_1", "0001TP_1"), "val": ("0016E5_1", "0016E5_2"), "test": ("x_1",)}.items():
        for name in frames:
            picture(base / split / "images" / f"{name}.jpg", 360, 480)
            label_file(base / split / "labels" / f"{name}.png", labels)
        text_file(base / f"{split}.txt", "\n".join(frames))
    text_file(base / "video_pairs_0016E5_15hz.txt", "0016E5_1 0016E5_2\n")
    text_file(base / "day2dusk" / "source_day_train.txt", "train/0006R0_1\n")
    text_file(base / "day2dusk" / "target_dusk_unlabelled.txt", "train/0001TP_1\n")
    rules = [("all the cars", "all"), ("the leftmost car", "leftmost"), ("the largest car", "largest")]
    rows = [{"split": "train", "image": "0006R0_1", "text": t, "cls": 8, "rule": r} for t, r in rules]
    text_file(base / "referring_templates.jsonl", "\n".join(map(json.dumps, rows)))
    return base


def davis(tree, sequences=("camel", "dog"), frames=3):
    base = tree / "davis2016val"
    for sequence in sequences:
        for i in range(frames):
            picture(base / "images" / sequence / f"{i:05}.jpg")
            label_file(base / "masks" / sequence / f"{i:05}.png", torch.arange(48).reshape(6, 8) % 2)
    text_file(base / "captions_handwritten.json", json.dumps({s: f"a {s}" for s in sequences}))
    return base


def flo_bytes(array):
    height, width, _ = array.shape
    return struct.pack("<fii", FLO_TAG, width, height) + array.astype("<f4").tobytes()
