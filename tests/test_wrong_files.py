"""Arrays, weights, JSON, YAML, boxes and archives as a stranger may have written them: an error that names the file."""

import io
import json
import pickle
import zipfile

import archives
import numpy as np
import pytest
import torch
from data_trees import flo_bytes, picture, text_file
from paper_trees import SIZE, voc
from safetensors.torch import save

from mmlib import files
from mmlib.data.boxes import read_boxes, read_voc
from mmlib.data.cityscapes_depth import read_camera
from mmlib.data.flow_files import keep_settings, read_flow_file
from mmlib.data.m3fd import read_scenes
from mmlib.data.templates import read_templates
from mmlib.files import read_arrays, read_json, read_sealed, read_state, write_sealed
from mmlib.results import load_claims, load_record
from mmlib.results.records import Key
from mmlib.text import glove


class Evil:
    """Would make a file called pwned if it were unpickled."""

    def __reduce__(self):
        return open, ("pwned", "w")


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def pth(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)
    return buffer.getvalue()


def encrypted(content):
    """The same zip with the bit that says that its members need a password."""
    made = bytearray(content)
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = made.find(mark)
        while at >= 0:
            made[at + place] |= 1
            at = made.find(mark, at + 4)
    return bytes(made)


def corrupted(content, at=0.5):
    made = bytearray(content)
    for place in range(int(at * len(made)), min(int(at * len(made)) + 40, len(made))):
        made[place] ^= 0xFF
    return bytes(made)


GOOD_NPZ = npz(flow=np.random.default_rng(0).random((20, 30, 2), np.float32))
GOOD_PTH = pth({"weight": torch.rand(50, 50)})
BOMB = npz(flow=np.zeros((5000, 8000, 2), np.float32))  # 320 MB out of 320 kB
HEADER = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
LYING = HEADER + b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 9999, 2), }".ljust(117) + b"\n"
NOT_THESE = {"nothing": b"", "text": b"<html>404 not found</html>", "zeros": bytes(500), "an empty zip": zipped(),
             "half a signature": b"PK\3\4", "a pickle": pickle.dumps(Evil()), "gzip": b"\x1f\x8b\x08" + bytes(40),
             "a zip of something else": zipped(readme=b"hello")}  # fmt: skip

ARRAYS = [  # name, suffix, bytes, message
    *((name, suffix, content, "expected an .np[yz] file") for name, content in NOT_THESE.items()
      for suffix in (".npz", ".npy")),
    ("cut at a fifth", ".npz", GOOD_NPZ[: len(GOOD_NPZ) // 5], "expected an .npz file"),
    ("cut near the end", ".npz", GOOD_NPZ[:-30], "expected an .npz file"),
    ("damaged", ".npz", corrupted(GOOD_NPZ), "expected an .npz file"),
    ("encrypted", ".npz", encrypted(GOOD_NPZ), "got an encrypted zip; next: unpack it with its password"),
    ("a bomb", ".npz", BOMB, r"at most 256 MiB unpacked, got 305 MiB"),
    ("another name", ".npz", npz(depth=np.zeros(3)), "got no flow but depth"),
    ("objects", ".npz", npz(flow=np.array([None, Evil()], dtype=object)), "Python objects, which could run code"),
    ("objects", ".npy", npy(np.array([None, Evil()], dtype=object)), "Python objects, which could run code"),
    ("cut", ".npy", npy(np.zeros((9, 9, 2)))[:300], "expected an .npy file"),
    ("a shape that lies", ".npy", LYING, "expected an .npy file"),
    ("a header that is code", ".npy", HEADER + b"__import__('os').system('true')".ljust(117) + b"\n", "an .npy file"),
    ("a header without end", ".npy", HEADER[:-2] + b"\xff\xff" + b"{'descr': ((((((((", "expected an .npy file"),
]  # fmt: skip


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Write a file; whatever runs lands in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def make(content, suffix):
        path = tmp_path / f"ä file{suffix}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    yield make
    assert not (tmp_path / "pwned").exists(), "code in a file was run"


def refused(read, path, message):
    """The error names the file, advises nothing dangerous, and fits one screen."""
    with pytest.raises(ValueError, match=message) as error:
        read(path)
    said = str(error.value)
    assert str(path) in said or path.name in said
    assert "weights_only" not in said and "allow_pickle" not in said and len(said) < 700


@pytest.mark.parametrize(("name", "suffix", "content", "message"), ARRAYS, ids=lambda x: str(x)[:30])
def test_arrays(file, name, suffix, content, message):
    refused(lambda path: read_arrays(path, "flow"), file(content, suffix), message)


STATES = [
    *((name, content, "expected a .pth file") for name, content in NOT_THESE.items()),
    ("cut", GOOD_PTH[: len(GOOD_PTH) // 2], "expected a .pth file with a state dict"),
    ("cut at the end", GOOD_PTH[:-50], "expected a .pth file with a state dict"),
    ("encrypted", encrypted(GOOD_PTH), "got an encrypted zip"),
    ("a whole network", pth(torch.nn.Linear(2, 2)), "Python objects, which could run code"),
    ("code", pth({"weight": Evil()}), "Python objects, which could run code"),
    ("a tensor", pth(torch.zeros(3)), "got a Tensor; next: save net.state_dict"),
    ("a list", pth([torch.zeros(3)]), "got a list"),
    ("NaN", pth({"a": torch.zeros(2), "b": torch.tensor([1.0, torch.nan])}), "NaN or infinity in b"),
    ("infinity deep inside", pth({"weight": {"c": torch.tensor(torch.inf)}}), "NaN or infinity in weight.c"),
    ("half precision", pth({"c": torch.tensor([1e6]).half()}), "NaN or infinity in c"),
    ("one number, stretched", pth({"a": torch.zeros(1).expand(10**12)}), "expected tensors of at most 4096 MiB"),
    ("safetensors", save({"a": torch.zeros(3)}), "expected a .pth file"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), STATES, ids=lambda x: str(x)[:30])
def test_weights(file, name, content, message):
    refused(read_state, file(content, ".pth"), message)


def test_limits_are_on_what_is_unpacked(file, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_STATE", 20_000)
    refused(read_state, file(zipped(a=bytes(30_000)), ".pth"), "at most 0 MiB unpacked, got 0 MiB")
    monkeypatch.setattr(files, "LARGEST_TEXT", 5)
    refused(read_json, file('"123456"', ".json"), "JSON of at most")


JSON = [
    ("nothing", b"", "got an empty file"),
    ("text", "<html>", "expected JSON"),
    ("cut", '{"a": [1, 2', "expected JSON"),
    ("a key twice", '{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' twice"),
    ("NaN", '{"a": NaN}', "the number NaN"),
    ("Infinity", '{"a": [-Infinity]}', "the number -Infinity"),
    ("too large a number", '{"a": 1e999}', "the number 1e999, which is too large"),
    ("too deep", "[" * 100_000, "expected JSON"),
    ("too many digits", "9" * 10_000, "expected JSON"),
    ("Latin-1", "{\"a\": \"ö\"}".encode("latin-1"), "expected JSON"),
    ("UTF-16", '{"a": 1}'.encode("utf-16"), "expected JSON"),
    ("two values", "{} {}", "expected JSON"),
    ("a comment", "{} // x", "expected JSON"),
]  # fmt: skip
READ_JSON = {"json": read_json, "record": load_record, "camera": read_camera, "scenes": read_scenes,
             "settings": lambda path: keep_settings(path.parent, {})}  # fmt: skip


@pytest.mark.parametrize("reader", READ_JSON)
@pytest.mark.parametrize(("name", "content", "message"), JSON, ids=lambda x: str(x)[:30])
def test_json(tmp_path, name, content, message, reader):
    path = tmp_path / "settings.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(READ_JSON[reader], path, message)


def test_json_with_a_mark_of_its_byte_order_is_read(file):
    assert read_json(file(b"\xef\xbb\xbf" + b'{"a": 1}', ".json")) == {"a": 1}


LENS = {"fx": 100, "fy": 50, "u0": 12, "v0": 8}
CAMERAS = [LENS | {"fx": 0}, LENS | {"fy": -1}, LENS | {"u0": None}, LENS | {"v0": "nan"}, LENS | {"fx": "inf"},
           LENS | {"fx": [1]}, {"fx": 1}]  # fmt: skip


@pytest.mark.parametrize("lens", CAMERAS, ids=str)
def test_cameras(file, lens):
    content = json.dumps({"intrinsic": lens, "extrinsic": {"baseline": 0.2}})
    refused(read_camera, file(content, ".json"), "expected (JSON with intrinsic|fx, fy and baseline above 0)")


ANNOTATION = '<?xml version="1.0" encoding="{}"?>'
VOC = [
    ("a corner that is nan", voc(("car", "nan", 2, 5, 6)), "expected finite corners"),
    ("a corner that is inf", voc(("car", 1, 2, "inf", 6)), "expected finite corners"),
    ("an encoding nobody knows", ANNOTATION.format("klingon") + voc(), "truncated or no XML"),
    ("another encoding", (ANNOTATION.format("utf-8") + voc(("cär", 1, 2, 5, 6))).encode("latin-1"), "truncated or no"),
    ("zeros", bytes(60), "truncated or no XML"),
    ("a size without a width", voc(size=(16, 0)), "expected boxes of a 16x24 image, got 16x0"),
    ("an entity", '<!ENTITY a "b"><annotation/>', "do not trust"),
    ("a document type", "<!DOCTYPE a><annotation/>", "a document type of its own; do not trust"),
    ("a class nobody knows", voc(("Bus", 1, 2, 5, 6)), "unknown class 'Bus'; expected one of car"),
    ("cut", voc(("car", 1, 2, 5, 6))[:-9], "truncated or no XML"),
    ("nothing", "", "truncated or no XML"),
    ("another size", voc(("car", 1, 2, 5, 6), size=(24, 16)), "expected boxes of a 16x24 image, got 24x16"),
    ("a corner without a number", voc(("car", 1, 2, "", 6)), "expected bndbox with xmin, ymin, xmax, ymax"),
    ("no corners", "<annotation><object><name>car</name></object></annotation>", "expected bndbox"),
    ("corners that cross", voc(("car", 5, 2, 1, 6)), "expected xmin <= xmax and ymin <= ymax"),
    ("a box outside", voc(("car", 1, 2, 26, 6)), "leaves the 24x16 image"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), VOC, ids=lambda x: str(x)[:30])
def test_voc(file, tmp_path, name, content, message):
    image = picture(tmp_path / "a.png", *SIZE)
    refused(lambda path: read_voc(path, image, {"car": 0}), file(content, ".xml"), message)


YOLO = ["0 nan 0.5 0.1 0.1", "0 0.5 inf 0.1 0.1", "nan 0.5 0.5 0.1 0.1", "0 0.5 0.5 -0.1 0", "0;0.5;0.5;0.1;0.1",
        "0 0,5 0,5 0,1 0,1", "3 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "0 a b c d", "0 1.5 0.5 0.1 0.1",
        "0.5 0.5 0.5 0.1 0.1"]  # fmt: skip


@pytest.mark.parametrize("line", YOLO)
def test_yolo(file, tmp_path, line):
    image = picture(tmp_path / "a.png", *SIZE)
    path = file(f"0 0.5 0.5 0.5 0.5\n{line}\n", ".txt")
    refused(lambda path: read_boxes(path, image, 3), path, r":2: expected 'class xc yc w h' with class 0..2")
    refused(lambda path: read_boxes(path, image, 3), file(b"\xff\xfe0\x00", ".txt"), "expected lines of text")


def test_boxes_outside_the_image(file, tmp_path):
    image = picture(tmp_path / "a.png", 60, 80)
    refused(lambda path: read_boxes(path, image, 3), file("0 0.9 0.5 0.4 0.1\n", ".txt"), "leaves the 80x60 image")
    boxes, _ = read_boxes(file("0 0.9 0.5 0.21 0.1\n", ".txt"), image, 3)
    assert boxes[0, 2] == 80, "less than a pixel outside is cut"


def test_a_box_without_area_is_left_out_whatever_the_format(file, tmp_path):
    image = picture(tmp_path / "a.png", *SIZE)
    yolo, labels = read_boxes(file("0 0.5 0.5 0 0.5\n1 0.5 0.5 0.5 0.5\n", ".txt"), image, 2)
    assert len(yolo) == 1 and labels.tolist() == [1]
    boxes, labels = read_voc(file(voc(("car", 3, 2, 3, 6), ("car", 1, 2, 5, 6)), ".xml"), image, {"car": 0})
    assert boxes.tolist() == [[1, 2, 5, 6]] and labels.tolist() == [0]
    unstated, _ = read_voc(file(voc(("car", 1, 2, 5, 6), size=(0, 0)), ".xml"), image, {"car": 0})
    assert len(unstated) == 1, "a size of 0 x 0 is none"


FLOWS = [(".npz", BOMB, "got 305 MiB"), (".npz", encrypted(GOOD_NPZ), "encrypted"),
         (".npz", npz(flow=np.zeros((2, 3, 2), complex)), "got complex128"),
         (".npy", npy(np.zeros((3, 4, 3), np.float32)), "got float32 .3, 4, 3."),
         (".npy", npy(np.array(["a"])), "expected floats"), (".npy", pickle.dumps(Evil()), "could run code"),
         (".flo", b"PIEH" + b"\xff" * 8, "-1x-1 vectors announced"), (".flo", bytes(20), "expected"),
         (".flo", flo_bytes(np.zeros((2, 3, 2)))[:-3], "expected"), (".flo", b"PIEH", "expected"),
         (".npz", npz(depth=np.zeros(3)), "expected"), (".npz", npz(flow=np.zeros((3, 4))), "expected"),
         (".npz", b"PK\3\4", "expected"), (".npy", npy(np.zeros((4, 2))), "expected"),
         (".npy", npy(np.zeros((3, 4, 2), np.int32)), "expected"), (".npy", b"\x93NUMPY", "expected"),
         (".mat", b"x", "expected a flow file in"), (".png", b"", "expected")]  # fmt: skip


@pytest.mark.parametrize(("suffix", "content", "message"), FLOWS, ids=lambda x: str(x)[:20])
def test_flows(file, suffix, content, message):
    refused(read_flow_file, file(content, suffix), message)


WORDS = [({"words": np.array([1, 2]), "vectors": np.ones((2, 3))}, "expected one vector of floats"),
         ({"words": np.array(["a", "a"]), "vectors": np.ones((2, 3))}, "a word twice"),
         ({"words": np.array(["a"]), "vectors": np.ones((2, 3))}, "expected one vector of floats"),
         ({"w": np.ones(2)}, "got no words but w"),
         ({"words": np.array(["a"]), "vectors": np.array([["x"]])}, "expected one vector of floats"),
         ({"words": np.array("a"), "vectors": np.ones((1, 3))}, "expected one vector of floats"),
         ({"words": np.array(["a"]), "vectors": np.array([[np.inf]])}, "NaN, infinity")]  # fmt: skip


@pytest.mark.parametrize(("arrays", "message"), WORDS, ids=lambda x: str(x)[:20])
def test_word_vectors(file, arrays, message):
    refused(glove, file(npz(**arrays), ".npz"), message)


GOOD = {"image": "a", "text": "the sky", "cls": 0, "rule": "all"}
LINES = [GOOD | {"text": 3}, GOOD | {"image": None}, GOOD | {"rule": ["all"]}, GOOD | {"rule": "biggest"},
         GOOD | {"rule": "only", "cls": [2]}, {"text": "x"}, GOOD | {"rule": "largest"}, []]  # fmt: skip


@pytest.mark.parametrize(
    "line", [*map(json.dumps, LINES), '{"image": "a", "image": "b"}', '{"cls": NaN}', "{", "[" * 9999]
)
def test_templates(file, line):
    refused(read_templates, file(f"{json.dumps(GOOD)}\n{line}\n", ".jsonl"), ".jsonl:2: expected JSON with image")


# --- claims, records, published weights


BOMB_YAML = "a: &a [1, 2]\nb: &b [*a, *a]\n"
YAML = [("directions: []\ndirections: []\n", "the key 'directions' stands twice"), (BOMB_YAML, r"an alias"),
        ("x: {y: 1, y: 2}\n", "the key 'y' stands twice"), ("x: [1\n", "expected YAML"), ("\t- x\n", "expected YAML"),
        ("!!python/object/apply:os.system [touch pwned]\n", "expected YAML"), ("x: !!binary 7\n", "expected YAML"),
        ("? {a: 1}\n: 2\n", "expected YAML"), ("[" * 5000, "expected YAML"), (b"\xff\xfe", "expected YAML"),
        ("", "expected key: toy"), ("- a\n", "expected key: toy"), ("key: other\n", "expected key: toy"),
        ("key: toy\ntables: {a: 1}\n", "expected 'tables' as a list of mappings"),
        ("key: toy\ndirections: [a]\n", "expected 'directions' as a list of mappings"),
        ("x: 2024-99-99\n", "expected YAML")]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), YAML, ids=lambda x: str(x)[:20])
def test_claims(file, tmp_path, content, message):
    (tmp_path / "toy.yml").write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(lambda path: load_claims("toy", path.parent), tmp_path / "toy.yml", message)


NAMES = [{"paper": "../x"}, {"paper": "/tmp/x"}, {"variant": "a/b"}, {"data": ".."}, {"variant": ""}, {"paper": "x\0"},
         {"seed": -1}, {"data": "MSRS"}]  # fmt: skip


@pytest.mark.parametrize("change", NAMES, ids=str)
def test_a_record_stays_in_its_folder(tmp_path, change):
    key = Key("toy", "flow", "ministreet", "smoke", 0)._replace(**change)
    with pytest.raises(ValueError, match="expected a run such as"):
        key.path(tmp_path)


def test_sealed_files(file, tmp_path):
    whole = write_sealed(tmp_path / "x.safetensors", {"a": torch.rand(40)}, {"b": 1}).read_bytes()
    for content in (whole + b"x", save({"a": torch.zeros(2)}), (2**62).to_bytes(8, "little") + whole[8:]):
        refused(read_sealed, file(content, ".safetensors"), "expected a whole, sealed safetensors file")


# --- archives


TAKE = ((r"(.+)\.txt", r"\1.txt"),)
ARCHIVES = [("encrypted", encrypted(zipped(**{"a.txt": b"x" * 99})), "cannot be unpacked here .*by hand"),
            ("a name that leads out", zipped(**{"../a.txt": b"x"}), "outside its folder"),
            ("cut", zipped(**{"a.txt": bytes(999)})[:-40], "damaged or cut short"),
            ("nothing", b"", "damaged or cut short")]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), ARCHIVES, ids=lambda x: str(x)[:30])
def test_archives(file, tmp_path, name, content, message):
    refused(lambda path: archives.unpack(path, TAKE, tmp_path / "inside"), file(content, ".zip"), message)
    assert not (tmp_path / "a.txt").exists()


def test_an_archive_that_grows_without_end(file, tmp_path, monkeypatch):
    path = file(zipped(**{"a.txt": bytes(3 * 2**20)}), ".zip")
    assert archives.unpack(path, TAKE, tmp_path / "first") == 1
    monkeypatch.setattr(archives, "LEAST", 2**20)
    refused(lambda path: archives.unpack(path, TAKE, tmp_path / "second"), path, "more than 200 times its size")


# --- what a kill leaves behind


def test_leftovers_are_swept_once_they_are_old(tmp_path):
    import os
    import time

    old, young, kept = (tmp_path / name for name in ("a.json1.part", "b.json2.part", "c.json"))
    for path in (old, young, kept):
        text_file(path, "x")
    os.utime(old, (time.time() - 9999,) * 2)
    os.utime(kept, (time.time() - 9999,) * 2)
    assert files.sweep(tmp_path) == [old]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.json2.part", "c.json"]


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        files.replace_file(tmp_path / "a.json", b"x")
    assert list(tmp_path.iterdir()) == []
