"""The papers' full data sets, made up: a few 16x24 images each, laid out as their archives are described."""

import json

import numpy as np
import torch
from data_trees import label_file, picture, text_file
from PIL import Image

SIZE = (16, 24)


def ids(*values, size=SIZE):
    """A label image whose rows run through these ids."""
    rows = torch.tensor(values)[torch.arange(size[0]) % len(values)]
    return rows[:, None].expand(size).contiguous()


def cityscapes(tree, frames=("aachen_000000_000019", "bad-honnef_000001_000275"), split="train", around=(-1, 1)):
    base = tree / "cityscapes"
    for name in frames:
        city, sequence, frame = name.rsplit("_", 2)
        picture(base / f"leftImg8bit/{split}/{city}/{name}_leftImg8bit.png", *SIZE)
        label_file(base / f"gtFine/{split}/{city}/{name}_gtFine_labelIds.png", ids(7, 26, 0, 33, 5))
        for step in around:
            other = f"{city}_{sequence}_{int(frame) + step:06d}"
            level = 0.5 + 0.01 * step
            picture(base / f"leftImg8bit_sequence/{split}/{city}/{other}_leftImg8bit.png", *SIZE, level=level)
    return base


def depth(base, name="aachen_000000_000019", split="train", stored=513):
    """A disparity image with one unknown pixel, and a camera."""
    city = name.split("_")[0]
    values = np.full(SIZE, stored, np.uint16)
    values[0, 0] = 0
    target = base / f"disparity/{split}/{city}/{name}_disparity.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(target)
    camera = {"intrinsic": {"fx": 100.0, "fy": 50.0, "u0": 12.0, "v0": 8.0}, "extrinsic": {"baseline": 0.2}}
    text_file(base / f"camera/{split}/{city}/{name}_camera.json", json.dumps(camera))


def gta5(tree, names=("00001", "00002", "00003")):
    base = tree / "gta5"
    for name in names:
        picture(base / f"images/{name}.png", *SIZE)
        palette_file(base / f"labels/{name}.png", ids(7, 34, 11, 1))
    return base


def palette_file(path, values):
    """Ids as the indices of a palette whose colours say something else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values.numpy().astype(np.uint8))
    image.putpalette([255 - i // 3 for i in range(768)])
    image.save(path)


def mfnet(tree, lists=None):
    base = tree / "mfnet"
    lists = lists or {"train": "00001D 00002N", "val": "00003D", "test": "00004N 00005D", "test_night": "00004N"}
    for split, names in lists.items():
        text_file(base / f"{split}.txt", "\n".join(names.split()) + "\n")
        for name in names.split():
            rgbt_file(base / f"images/{name}.png")
            label_file(base / f"labels/{name}.png", ids(0, 1, 8))
    return base


def rgbt_file(path, levels=(10, 20, 30, 200)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.broadcast_to(np.uint8(levels), (*SIZE, 4)).copy()).save(path)


def pairs(base, names, label=None, **folders):
    """Visible and infrared pictures, and labels, in the folders of these fields."""
    for name in names:
        picture(base / folders["rgb"] / f"{name}.png", *SIZE)
        picture(base / folders["ir"] / f"{name}.png", *SIZE, channels=1, level=0.25)
        if label is not None:
            label_file(base / folders["labels"] / f"{name}.png", label)


def fmb(tree, train=12, test=2):
    base = tree / "fmb"
    for split, count in (("train", train), ("test", test)):
        names = [f"{split}{i:03d}" for i in range(count)]
        pairs(base / split, names, ids(0, 14, 9), rgb="Visible", ir="Infrared", labels="Label")
    return base


def msrs_full(tree):
    base = tree / "msrs_full"
    for split, names in {"train": [f"{i:05d}{'DN'[i % 2]}" for i in range(12)], "test": ["90001N", "90002D"]}.items():
        pairs(base / split, names, ids(0, 8, 2), rgb="vi", ir="ir", labels="Segmentation_labels")
        for name in names:
            text_file(base / f"labels_det/fusion/{split}/{name}.txt", "2 0.5 0.5 0.5 0.5\n" if name != names[0] else "")
    return base


def voc(*boxes, size=SIZE):
    """VOC's XML with these (class, xmin, ymin, xmax, ymax)."""
    things = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for name, a, b, c, d in boxes
    )
    stated = f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>" if size else ""
    return f"<annotation>{stated}{things}</annotation>"


def m3fd(tree, count=8):
    base = tree / "m3fd"
    names = [f"{i:05d}" for i in range(count)]
    pairs(base, names, rgb="Vis", ir="Ir")
    for name in names:
        text_file(base / f"Annotation/{name}.xml", voc(("Lamp", 1, 2, 5, 6), ("People", 0, 0, 4, 8)))
    return base


def scenario(base, *scenes):
    """meta/scenario.json of (name, mode, first frame, last frame)."""
    listed = [{"name": n, "mode": mode, "range": [{"min": a, "max": b}]} for n, mode, a, b in scenes]
    text_file(base / "meta/scenario.json", json.dumps([{"name": "night", "scene": listed}]))


def llvip(tree, train=2):
    base = tree / "llvip"
    for split, names in {"train": [f"{10001 + i:06d}" for i in range(train)], "test": ["190001"]}.items():
        for name in names:
            picture(base / f"visible/{split}/{name}.jpg", *SIZE)
            picture(base / f"infrared/{split}/{name}.jpg", *SIZE, channels=1)
            text_file(base / f"Annotations/{name}.xml", voc(("person", 2, 3, 8, 9), ("person", 5, 5, 5, 9)))
    return base
