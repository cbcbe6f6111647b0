"""Phrases about MiniStreet: each means exactly what it says, and is said only where it leaves no doubt."""

import pytest
import torch

from mmlib.data import phrases as ph
from mmlib.models.fusenet_ris import LONGEST, STREET
from mmlib.scenes import CLASSES, Knobs, scene
from mmlib.scenes.language import Thing

SIZE = (96, 128)


def thing(number, name="car", colour="red", area=100, x=10.0, depth=10.0, motion=0.0, heat=0.3):
    return Thing(number, name, colour, area, x, depth, motion, heat)


def said(things, time="day", **options):
    return {p.text: p for p in ph.phrases_of(things, ["road", "car"], 128, time, **options)}


THREE = [
    thing(1, colour="red", area=400, x=20.0, depth=8.0),
    thing(2, colour="red", area=100, x=60.0, depth=20.0, motion=-3.0),
    thing(3, colour="white", area=50, x=100.0, depth=40.0, heat=0.6),
]


def test_what_singles_out_one_of_three():
    found = said(THREE)
    assert found["the road"].segments == (CLASSES.index("road"),) and found["the road"].rivals == ()
    assert found["all cars"].segments == (11, 12, 13) and found["all cars"].rivals == ()
    for text, meant in {
        "the car on the left": 11,
        "the car on the right": 13,
        "the largest car": 11,
        "the smallest car": 13,
        "the nearest car": 11,
        "the farthest car": 13,
        "the warmest car": 13,
        "the white car": 13,
        "the car that moves left": 12,
        "the red car on the left": 11,
        "the red car on the right": 12,
        "the smallest red car": 12,
        "the farthest red car": 12,
    }.items():
        assert found[text].segments == (meant,) and found[text].rivals == (11, 12, 13), text
    assert "the red car" not in found, "two are red"
    assert "the car" not in found, "there are three"
    assert "the coldest car" not in found, "two are equally cold"
    assert "the white car on the left" not in found, "there is only one"
    assert {found[text].kind for text in ("the red car on the left", "the smallest red car")} == {"combination"}


def test_nobody_tells_colours_at_night_and_a_single_thing_has_no_rivals():
    assert not any(p.kind in ("colour", "combination") for p in said(THREE, time="night").values())
    alone = said(THREE[:1])
    assert alone["the car"].rivals == () and alone["the red car"].segments == (11,)
    assert "all cars" not in alone and "the largest car" not in alone


def test_margins_and_small_things():
    close = [thing(1, area=100), thing(2, area=110, colour="blue")]
    assert "the largest car" not in said(close), "a tenth larger is no clear lead"
    small = [thing(1, area=20), thing(2, area=200, colour="blue")]
    assert "the smallest car" not in said(small) and "the smallest car" in said(small, least=20)
    assert "the largest car" in said(small), "what is too small still competes"


def test_words_in_their_order():
    assert ph.coloured("person", "red") == "the person in red" and ph.coloured("car", "red") == "the red car"
    assert ph.graded("person", "nearest", "red") == "the nearest person in red"
    assert ph.placed("car", "left", "red") == "the red car on the left"
    assert ph.opposite("the nearest red car") == "the farthest red car"
    assert ph.opposite("the car on the left") == "the car on the right"
    assert ph.opposite("the red car") is None and ph.opposite("the car that moves left") is None
    assert ph.noun_only(ph.Phrase("the nearest car", "nearness", "car", (11,))) == "the car"
    assert ph.noun_only(ph.Phrase("all cars", "group", "car", (11,))) == "all cars"
    assert ph.noun_only(ph.Phrase("the signs and poles", "class", "sign", (5,))) == "the signs and poles"


def test_everything_that_can_be_said_can_be_read_and_is_said_once():
    texts = ph.all_phrases()
    assert len(texts) == len(set(texts)) > 200
    tokens, _ = STREET.encode(texts, LONGEST)
    assert not (tokens == STREET.ids["<unk>"]).any()
    assert {p.text for p in ph.phrases_of(THREE, CLASSES, 128, "day")} <= set(texts)


def test_a_street_is_a_map_of_segments():
    labels = torch.tensor([[0, 10, 10], [0, 10, 8]])
    instances = torch.tensor([[0, 1, 2], [0, 1, 0]])
    segments = ph.segment_map(labels, instances)
    assert segments.tolist() == [[0, 11, 12], [0, 11, 8]]
    assert ph.mask_of(segments, (11, 12)).tolist() == [[False, True, True], [False, True, False]]


def test_things_know_their_middle_their_size_and_their_colour():
    segments = torch.zeros(1, 4, 8, dtype=torch.uint8)
    segments[0, 1:3, 2:6] = 11
    rgb = torch.rand(1, 3, 4, 8)
    rgb[0, 0, 1:3, 2:6] = torch.tensor([0.2, 0.4, 0.6, 0.8])  # a thing whose red goes from 0.2 to 0.8
    facts = ph.things_of(segments, rgb)
    assert facts.shape == (1, 6, 4, 8) and facts[0, :, 0, 0].isnan().all()
    torch.testing.assert_close(facts[0, 0, 1, 2:6], torch.tensor([1.5, 0.5, -0.5, -1.5]) / 8)
    torch.testing.assert_close(facts[0, 1, 1:3, 2], torch.tensor([0.5, -0.5]) / 4)
    torch.testing.assert_close(facts[0, 2, 1, 2], torch.tensor(8 / 32).log() / 10)
    torch.testing.assert_close(facts[0, 3, 2, 3:5], torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(facts[0, 4, 1, 5], rgb[0, 1, 1:3, 2:6].mean() - 0.5)


def test_spoken_streets_are_the_drawn_ones(tmp_path):
    seeds, knobs = [3, 4], Knobs(time="day")
    told = ph.spoken(seeds, size=SIZE, fields=("rgb", "ir", "flow"), knobs=knobs, folder=tmp_path)
    for k, seed in enumerate(seeds):
        street = scene(seed, size=SIZE, knobs=knobs)
        assert torch.equal(told["rgb"][k], street["rgb"]) and torch.equal(told["ir"][k], street["ir"])
        torch.testing.assert_close(told["flow"][k], street["flow"], atol=0.02, rtol=1e-3)
        assert torch.equal(told["labels"][k].long(), street["labels"])
        ours = {p.text: ph.mask_of(told["segments"][k].long(), p.segments) for p in told["phrases"][k]}
        for expression in street["expressions"]:
            if expression.text in ours:
                assert torch.equal(ours[expression.text], expression.mask), expression.text
        assert len(set(ours) & {e.text for e in street["expressions"]}) > 5
    again = ph.spoken(seeds, size=SIZE, knobs=knobs, folder=tmp_path)
    assert torch.equal(again["rgb"], told["rgb"]) and again["phrases"] == told["phrases"] and "ir" not in again
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    with pytest.raises(ValueError, match="got 'depth'"):
        ph.spoken(seeds, size=SIZE, fields=("depth",), folder=tmp_path)
