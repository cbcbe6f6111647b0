"""Labels, instances, boxes and expressions of a scene tell the same story."""

from collections import Counter

import numpy as np
import pytest
import torch

from mmlib.scenes import CLASSES, THINGS, Knobs, scene
from mmlib.scenes.language import KINDS, SMALLEST, STUFF

SEEDS = (0, 1, 2, 3, 1_000_003, 2_000_004)
SIZE = (128, 256)


@pytest.fixture(scope="module", params=SEEDS)
def sample(request: pytest.FixtureRequest) -> dict:
    return scene(request.param, size=SIZE, knobs=Knobs(crowding=0.8))


def test_each_box_is_the_tight_box_of_its_mask(sample: dict) -> None:
    numbers = [n for n in sample["instances"].unique().tolist() if n]
    assert numbers == list(range(1, len(sample["boxes"]) + 1))
    for number, box in enumerate(sample["boxes"].tolist(), 1):
        y, x = torch.nonzero(sample["instances"] == number, as_tuple=True)
        assert box == [x.min(), y.min(), x.max() + 1, y.max() + 1]


def test_labels_inside_an_instance_are_its_class(sample: dict) -> None:
    for number, label in enumerate(sample["box_labels"].tolist(), 1):
        assert CLASSES[label] in THINGS
        assert (sample["labels"][sample["instances"] == number] == label).all()


def test_thing_pixels_without_an_instance_are_few(sample: dict) -> None:
    things = torch.isin(sample["labels"], torch.tensor([CLASSES.index(n) for n in THINGS]))
    assert (things & (sample["instances"] == 0)).sum() <= 5 * 6
    assert (sample["instances"] > 0)[~things].sum() == 0


def understand(text: str, s: dict) -> set[int]:
    """The instance ids that fit a sentence, worked out from the fields alone (a second, independent reading)."""
    names = {"people": "person", "riders": "rider", "cars": "car"}
    words = text.replace(",", "").split()
    name = next(n for n in (*THINGS, *names) if n in words)
    name = names.get(name, name)
    ids = [k + 1 for k, label in enumerate(s["box_labels"].tolist()) if CLASSES[label] == name]
    rest = [w for w in words if w not in ("the", "all", "in", "that", "moves", "on", name, *names)]
    if words[0] == "all" or not rest:
        return set(ids)
    inside = {k: s["instances"] == k for k in ids}
    value = {
        "left": lambda k: -float(s["boxes"][k - 1, [0, 2]].sum()),
        "right": lambda k: float(s["boxes"][k - 1, [0, 2]].sum()),
        "largest": lambda k: int(inside[k].sum()),
        "smallest": lambda k: -int(inside[k].sum()),
        "nearest": lambda k: -float(np.median(s["depth"][0][inside[k]])),
        "farthest": lambda k: float(np.median(s["depth"][0][inside[k]])),
        "warmest": lambda k: float(s["ir"][0][inside[k]].mean()),
        "coldest": lambda k: -float(s["ir"][0][inside[k]].mean()),
    }
    if "moves" in words:
        sign = {"left": -1, "right": 1}[rest[0]]
        return {k for k in ids if sign * float(np.median(s["flow"][0][inside[k]])) > 0.004 * SIZE[1]}
    if rest[0] in value:
        return {max(ids, key=value[rest[0]])}
    return {k for k in ids if s["colours"][k - 1] == rest[0]}


def mask_of(ids: set[int], s: dict) -> torch.Tensor:
    return torch.isin(s["instances"], torch.tensor(sorted(ids)))


def test_every_sentence_read_again_gives_its_mask(sample: dict) -> None:
    assert len(sample["expressions"]) >= 6
    for e in sample["expressions"]:
        assert e.kind in KINDS and e.mask.any() and not e.ambiguous
        if e.text in STUFF.values():
            name = next(n for n, t in STUFF.items() if t == e.text)
            assert torch.equal(e.mask, sample["labels"] == CLASSES.index(name)) and e.instances == ()
            continue
        assert understand(e.text, sample) == set(e.instances) == set(e.candidates), e.text
        assert torch.equal(e.mask, mask_of(set(e.instances), sample))
        assert len(e.instances) > 1 or int(e.mask.sum()) >= SMALLEST


def test_one_sentence_has_one_meaning(sample: dict) -> None:
    texts = [e.text for e in sample["expressions"]]
    assert len(texts) == len(set(texts))


def test_all_kinds_of_sentence_occur() -> None:
    kinds = Counter(
        e.kind for s in range(30) for e in scene(s, knobs=Knobs(crowding=0.7), fields=("expressions",))["expressions"]
    )
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 5, kinds


def test_ambiguity_makes_sentences_that_fit_more_than_they_mean() -> None:
    clear = [e for s in range(12) for e in scene(s, knobs=Knobs(crowding=0.9), fields=("expressions",))["expressions"]]
    vague_knobs = Knobs(crowding=0.9, ambiguity=1.0)
    vague = [(s, e) for s in range(12) for e in scene(s, knobs=vague_knobs, fields=("expressions",))["expressions"]]
    assert not any(e.ambiguous for e in clear)
    doubtful = [(s, e) for s, e in vague if e.ambiguous]
    assert len(doubtful) >= 12
    for seed, e in doubtful[:5]:
        fields = scene(seed, knobs=vague_knobs)
        assert understand(e.text, fields) == set(e.candidates) > set(e.instances)


def test_every_class_appears_often_enough() -> None:
    seen, pixels = Counter(), torch.zeros(len(CLASSES))
    n = 40
    for seed in range(n):
        counts = torch.bincount(
            scene(seed, size=(96, 192), fields=("labels",))["labels"].flatten(), minlength=len(CLASSES)
        )
        pixels += counts
        seen.update(CLASSES[k] for k in range(len(CLASSES)) if counts[k] >= 10)
    assert all(seen[name] >= 0.25 * n for name in CLASSES), seen
    assert (pixels / pixels.sum() > 0.0005).all()
    assert pixels.max() / pixels.sum() < 0.5


def test_the_test_split_speaks_the_same_language() -> None:
    vocabulary = {
        w
        for s in range(60)
        for e in scene(s, fields=("expressions",), size=(96, 192))["expressions"]
        for w in e.text.split()
    }
    other = {
        w
        for s in range(2_000_000, 2_000_012)
        for e in scene(s, fields=("expressions",), size=(96, 192))["expressions"]
        for w in e.text.split()
    }
    assert other <= vocabulary
