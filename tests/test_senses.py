"""Chapter 10's parts: what the passenger says, what a control sees, and which conditions streets come in."""

import ast
from dataclasses import asdict

import pytest
import torch

from mmlib.book import figures10
from mmlib.files import ROOT
from mmlib.results import load_claims
from mmlib.results.fingerprint import NOT_RUN, notebook_code
from mmlib.scenes import Expression, Knobs
from mmlib.scenes.actors import COLOURS
from mmlib.scenes.language import PLURAL

DEFINED = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
STARTS = ("CONDITIONS[", "SETS[", "for name, largest", "for name in", "for set_name, name")
CONSTANTS = {"VOCABULARY", "PHRASES", "TIMES", "LARGEST", "CHANNELS", "CONDITIONS", "AIR", "OTHERS", "SETS", "SHUFFLED"}


@pytest.fixture(scope="module")
def chapter() -> dict:
    """The notebook's functions, classes and constants; nothing is drawn or trained."""
    names: dict = {}
    for node in ast.parse(notebook_code(ROOT / "nbs" / "10_which_sense.ipynb", without=NOT_RUN)).body:
        written = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        constant = isinstance(node, ast.Assign) and bool(written & CONSTANTS)
        if isinstance(node, DEFINED) or constant or ast.unparse(node).startswith(STARTS):
            exec(compile(ast.Module([node], []), "chapter 10", "exec"), names)
    return names


def phrase(text: str, *instances: int) -> Expression:
    """A phrase about some things."""
    return Expression(text, torch.zeros(2, 2, dtype=torch.bool), "class", instances)


def test_the_passenger_speaks_of_things_and_says_nothing_where_there_are_none(chapter):
    said, words = chapter["said"], chapter["VOCABULARY"]
    assert not said([phrase("the road"), phrase("the sky")], 3).any()
    spoken = [phrase("the road"), phrase("the car", 1), phrase("all people", 2, 3)]
    assert sorted(words.decode(said(spoken, 3))) == ["", "all people", "the car"]
    many = [phrase(f"the {colour} car", 1) for colour in COLOURS]
    assert len(set(words.decode(said(many, 0)))) == chapter["PHRASES"], "no phrase twice"
    assert torch.equal(said(many, 0), said(many, 0)) and not torch.equal(said(many, 0), said(many, 1))


def test_every_phrase_about_a_thing_can_be_read(chapter):
    texts = [f"all {plural}" for plural in PLURAL.values()]
    for name in PLURAL:
        texts += [
            f"the {name} on the left",
            f"the {name} that moves right",
            f"the farthest {name}",
            f"the coldest {name}",
        ]
        texts += [f"the {colour} car" if name == "car" else f"the {name} in {colour}" for colour in COLOURS]
    for text in texts:
        assert chapter["said"]([phrase(text, 1)], 0).any(), text


def test_words_become_a_picture_that_forgets_order_and_silence(chapter):
    torch.manual_seed(0)
    words = chapter["Words"](len(chapter["VOCABULARY"]), (48, 64))
    tokens = torch.tensor([[[3, 4, 0], [5, 6, 7], [0, 0, 0]]])
    picture = words(tokens)
    assert picture.shape == (1, 8, 48, 64)
    torch.testing.assert_close(words(tokens.flip(1)), picture)
    torch.testing.assert_close(words(tokens[:, :2]), picture, msg="a phrase without words adds nothing")
    longer = torch.nn.functional.pad(tokens, (0, 2))
    torch.testing.assert_close(words(longer), picture, msg="the padding isn't counted")
    assert not words(torch.zeros_like(tokens)).any()


def test_each_sense_is_shown_by_half_of_the_streets(chapter):
    torch.manual_seed(0)
    present = chapter["at_random"](4, torch.device("cpu"))
    assert list(present) == list(chapter["CHANNELS"])
    assert all(sorted(flags.tolist()) == [0, 0, 1, 1] for flags in present.values())
    assert len({tuple(flags.tolist()) for flags in present.values()}) > 1, "each sense has streets of its own"
    always = chapter["always"](("rgb", "ir"), 3, torch.device("cpu"))
    assert {name for name, flags in always.items() if flags.sum() == 3} == {"rgb", "ir"}
    assert {flags.sum().item() for flags in always.values()} == {0.0, 3.0}


@pytest.fixture(scope="module")
def net(chapter) -> torch.nn.Module:
    """A small network for all six senses, untrained."""
    torch.manual_seed(0)
    return chapter["SixSenses"]((48, 64), width=8).eval()


def streets(chapter, count: int = 2) -> dict[str, torch.Tensor]:
    """Streets of noise as six senses show them."""
    made = {name: torch.rand(count, channels, 48, 64) for name, channels in chapter["CHANNELS"].items()}
    return made | {"words": torch.randint(1, 9, (count, 3, 5)), "labels": torch.zeros(count, 48, 64, dtype=torch.int64)}


@pytest.mark.parametrize("absent", ["rgb", "ir", "average", "flow", "depth", "words"])
def test_an_absent_sense_has_no_say_and_its_absence_is_told(chapter, net, absent):
    batch, device = streets(chapter), torch.device("cpu")
    others = [name for name in chapter["CHANNELS"] if name != absent]
    present = chapter["always"](others, 2, device)
    with torch.no_grad():
        logits = net(batch, present)
        torch.testing.assert_close(net(batch | {absent: streets(chapter)[absent]}, present), logits)
        everything = net(batch, chapter["always"](chapter["CHANNELS"], 2, device))
        assert not torch.allclose(everything, logits), "what is present is read"
        dark = batch | {absent: torch.zeros_like(batch[absent])}
        assert not torch.allclose(net(dark, chapter["always"](chapter["CHANNELS"], 2, device)), logits), (
            "the flag is read"
        )


def test_a_control_gets_another_streets_sense_and_its_own_of_all_others(chapter):
    asked = []

    class Spy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, batch, present):
            asked.append((batch, present))
            return torch.zeros(len(batch["labels"]), 11, 48, 64)

    batch = streets(chapter, count=3)
    for name in ("rgb_flow", "rgb_flow_shuffled"):
        assert chapter["predict"](Spy(), batch, name).shape == (3, 48, 64)
    (own, shown), (other, same) = asked
    assert {name for name, flags in shown.items() if flags.any()} == {"rgb", "flow"}
    assert all(torch.equal(shown[name], same[name]) for name in shown)
    assert torch.equal(own["flow"], batch["flow"]) and torch.equal(other["rgb"], batch["rgb"])
    assert all(torch.equal(other["flow"][k], batch["flow"][k - 1]) for k in range(3))


def test_streets_to_learn_from_come_in_all_conditions(chapter):
    turned = dict.fromkeys(chapter["LARGEST"], 0)
    times = set()
    for number in range(200):
        knobs = asdict(chapter["any_knobs"](number))
        times.add(knobs.pop("time"))
        for name, value in knobs.items():
            if value != asdict(Knobs())[name]:
                turned[name] += 1
                assert 0 <= value <= chapter["LARGEST"][name]
    assert times == {"day", "dusk", "night"}
    assert all(70 < count < 130 for count in turned.values()), "each knob is turned in half of the streets"


def test_a_condition_of_the_test_turns_one_knob_or_none(chapter):
    conditions = chapter["CONDITIONS"]
    assert {*conditions, *chapter["AIR"]} == set(figures10.ROWS) and conditions["clear"] == {}
    assert {condition for _, _, at in figures10.AXES.values() for condition in at} == set(figures10.ROWS)
    for name, change in conditions.items():
        Knobs(**change)
        assert name == "clear" or len(change) == 1


def test_the_claims_ask_for_sets_that_are_tested(chapter):
    sets = chapter["SETS"]
    assert set(figures10.SETS) | set(chapter["SHUFFLED"]) == set(sets), "the pages name all sets, and no others"
    for row in load_claims("senses").directions:
        assert {row.a, *row.b, *row.controls} <= set(sets), row.id
