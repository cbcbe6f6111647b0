"""What some sets need beyond being unpacked: lists from file names, boxes for images without any, weights renamed.

Each function is given the folder of a set and changes it, or raises ValueError where it is not what was seen.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmlib.data.cityscapes import snippets
from mmlib.data.pairs import read_list
from mmlib.data.weights import WEIGHTS
from mmlib.files import read_state
from mmlib.text import GLOVE_FILE

# --- lists


def camvid_lists(folder: Path) -> None:
    """The lists that follow from the file names: splits, consecutive pairs of val, and day to dusk (drive 0001TP)."""
    splits = ("train", "val", "test")
    names = {split: sorted(path.stem for path in (folder / split / "images").iterdir()) for split in splits}
    lists = {f"{split}.txt": names[split] for split in splits}
    lists["video_pairs_0016E5_15hz.txt"] = [f"{a} {b}" for a, b in zip(names["val"], names["val"][1:])]
    for split in splits:
        lists[f"day2dusk/source_day_{split}.txt"] = [f"{split}/{n}" for n in names[split] if not n.startswith("0001TP")]
    for split, role in (("train", "unlabelled"), ("test", "test")):
        lists[f"day2dusk/target_dusk_{role}.txt"] = [f"{split}/{n}" for n in names[split] if n.startswith("0001TP")]
    (folder / "day2dusk").mkdir()
    for name, lines in lists.items():
        (folder / name).write_text("\n".join(lines) + "\n")


GTA5_SPLIT = "split.mat"


def gta5_lists(folder: Path) -> None:
    """train.txt, val.txt and test.txt from split.mat, where it is; its keys are trainIds, valIds and testIds."""
    from scipy.io import loadmat

    if not (folder / GTA5_SPLIT).is_file():
        return
    splits = loadmat(folder / GTA5_SPLIT)
    if not {"trainIds", "valIds", "testIds"} <= splits.keys():
        raise ValueError(f"{folder / GTA5_SPLIT}: expected the keys trainIds, valIds, testIds, got {sorted(splits)}")
    for split in ("train", "val", "test"):
        names = [f"{int(number):05d}" for number in splits[f"{split}Ids"].ravel()]
        (folder / f"{split}.txt").write_text("\n".join(names) + "\n")


M3FD_LISTS = {"train": 3368, "val": 831}


def m3fd_lists(folder: Path) -> None:
    """The two lists to meta/, if they hold as many frames as was said; a scenario.json there has priority."""
    for split, count in M3FD_LISTS.items():
        fetched, target = folder / f"damsdet_{split}.txt", folder / "meta" / f"{split}.txt"
        if fetched.is_file():
            got = len(read_list(fetched, "m3fd"))
            if got != count:
                raise ValueError(f"{fetched.name}: expected {count} frames, got {got}; look what has changed")
            target.parent.mkdir(exist_ok=True)
            os.replace(fetched, target)


# --- boxes and labels


def msrs_box_files(folder: Path) -> None:
    """An image without objects gets an empty box file: the release leaves it out, the loader wants to know."""
    for boxes in (folder / "labels_det").glob("*"):
        _fill_box_files(boxes, folder / "vi")


def msrs_full_box_files(folder: Path) -> None:
    """As `msrs_box_files`, for the training and the test part."""
    for boxes in (folder / "labels_det").glob("*/*"):
        _fill_box_files(boxes, folder / boxes.name / "vi")


def _fill_box_files(boxes: Path, images: Path) -> None:
    stems = {path.stem for path in images.iterdir()}
    lonely = sorted({path.stem for path in boxes.iterdir()} - stems)
    if lonely:  # then the names differ, and an empty file would say "no objects" of an image that has some
        raise ValueError(f"{len(lonely)} box files in {boxes} have no image, such as {lonely[0]}.txt")
    for stem in stems:
        (boxes / f"{stem}.txt").touch()


def cityscapes_check(folder: Path) -> None:
    """Every training and validation image has its label image; how many have their neighbours is said, not demanded."""
    for split in ("train", "val"):
        images = (folder / "leftImg8bit" / split).glob("*/*_leftImg8bit.png")
        stems = {path.name.removesuffix("_leftImg8bit.png") for path in images}
        labels = (folder / "gtFine" / split).glob("*/*_gtFine_labelIds.png")
        missing = sorted(stems - {path.name.removesuffix("_gtFine_labelIds.png") for path in labels})
        if missing:
            raise ValueError(f"{split}: {len(missing)} images have no labels in gtFine/, such as {missing[0]}")
        if stems:
            print(f"  {split}: " + ", ".join(f"{count} {what}" for what, count in snippets(split, folder).items()))


# --- word vectors and weights


GLOVE_FREQUENT = 20_000
GLOVE_EXTRA = ("bicyclist", "farthest", "leftmost", "rightmost", "topmost", "scooter", "surfer", "breakdancer",
               "skateboarder", "paraglider", "biker", "bmx", "motocross", "guardrail")  # fmt: skip
GLOVE_CONTENT = "e5c49cb70379b5f16d0a49cbb6ceeebb1a303c76c0f9ed5f4ed289965d276a03"
"""sha256 of the words joined by newlines, followed by the float16 vectors."""


def glove(folder: Path) -> None:
    """The package's 300 MB of JSON -> words and float16 vectors of the frequent and the extra words."""
    source = folder / "embeddings.json"
    vectors = dict(_glove_vectors(source.read_text(encoding="utf-8")))
    words = [w for w in vectors if w not in GLOVE_EXTRA] + [w for w in GLOVE_EXTRA if w in vectors]
    table = np.array([vectors[w] for w in words], dtype=np.float32).astype("<f2")
    got = hashlib.sha256("\n".join(words).encode() + table.tobytes()).hexdigest()
    if got != GLOVE_CONTENT:
        raise ValueError(f"the vectors are not those that were seen: expected {GLOVE_CONTENT}, got {got}")
    np.savez_compressed(folder / GLOVE_FILE, words=np.array(words), vectors=table)
    source.unlink()


def _glove_vectors(text: str) -> Iterator[tuple[str, list[float]]]:
    """(word, 100 numbers) of {"vectors": {word: [100 numbers, ...]}}, one at a time: all at once takes gigabytes."""
    decoder = json.JSONDecoder()
    at, rank, missing = text.index('"vectors":{') + len('"vectors":{'), 0, set(GLOVE_EXTRA)
    while text[at] != "}" and (rank < GLOVE_FREQUENT or missing):
        word, at = decoder.raw_decode(text, at)
        end = text.index("]", at) + 1
        if rank < GLOVE_FREQUENT or word in missing:
            yield word, json.loads(text[at + 1 : end])[:100]
            missing.discard(word)
        at, rank = end + (text[end] == ","), rank + 1


def values_digest(state: dict) -> str:
    """sha256 over the names, dtypes, shapes and values of a state dict, sorted by name."""
    digest = hashlib.sha256()
    for key in sorted(state):
        digest.update(f"{key} {state[key].dtype} {tuple(state[key].shape)}\n".encode())
        digest.update(state[key].contiguous().numpy().tobytes())
    return digest.hexdigest()


def _torchvision_names(state: dict) -> dict:
    """MobileNetV2's features under torchvision's names: the same tensors in the same order."""
    from torchvision.models import mobilenet_v2

    expected = mobilenet_v2(weights=None).features.state_dict()
    if [v.shape for v in state.values()] != [v.shape for v in expected.values()]:
        raise ValueError("the tensors of MobileNetV2 are not those of torchvision's features, in their order")
    return {f"features.{key}": value for key, value in zip(expected, state.values())}


def halved(state: dict) -> dict:
    """Floats as float16, which halves the file."""
    return {key: value.half() if value.is_floating_point() else value for key, value in state.items()}


WEIGHTS_KEPT = {
    "mobilenet_v2": (_torchvision_names, "a15ff76be13a70f21e61d4a091e05e9f8a28e4cfb51cf58f226ba75a94355e97"),
    "efficientnet_lite0": (halved, "ac61fa5a6911b638017db2014531c77c2c51b65ee65cb8dbd567872e1c4dec82"),
    "gmflow": (halved, "928f33448dc2ec7d8f97eba3440728a71b6c6eea411674c3e4a18ddfa10cbb75"),
}
"""Network -> what is done to it, and `values_digest` of the result; MFNet's file is kept as it is."""


def weights(folder: Path) -> None:
    """Rename and shrink what came out of the packages, and put the fusion networks, unchanged, into their folder.

    ValueError if the values are not those that were seen.
    """
    import torch

    for name, (change, expected) in WEIGHTS_KEPT.items():
        original = folder / f"{name}.original"
        state = change(read_state(original))
        if (got := values_digest(state)) != expected:
            raise ValueError(f"{name}: the values are not those that were seen: expected {expected}, got {got}")
        torch.save(state, folder / WEIGHTS[name])
        original.unlink()
    for file in WEIGHTS.values():
        came, kept = folder / Path(file).name, folder / file
        if came.is_file() and came != kept:
            kept.parent.mkdir(exist_ok=True)
            came.replace(kept)
