"""Chapter 1 tells a story about one street. Here it is checked that the street still is that street."""

import contextlib
import io
from pathlib import Path

import nbformat
import pytest
import torch

CHAPTER = Path(__file__).resolve().parents[1] / "nbs" / "01_one_scene.ipynb"


@pytest.fixture(scope="module")
def told() -> dict:
    """Everything that the chapter's cells define, at the size that readers see."""
    scope: dict = {"__name__": "chapter"}
    for cell in nbformat.read(CHAPTER, as_version=4).cells:
        skipped = {"colab", "exercise", "solution"} & set(cell.metadata.get("tags", []))
        if cell.cell_type == "code" and not skipped:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(cell.source, scope)
    return scope


def letter(told: dict, name: str) -> str:
    """Whom a row of the table accuses."""
    return told["suspects"][told["accused"](told["evidence"][name])].letter


@pytest.mark.slow
def test_five_suspects_and_each_sense_accuses_whom_the_text_says(told):
    assert [one.letter for one in told["suspects"]] == list("ABCDE")
    assert [one.place for one in told["suspects"]][0] == "far left"
    assert letter(told, "light, levels") == "D" and letter(told, "heat, levels") == "A"
    assert letter(told, "u, pixels") == "B"
    distance = told["evidence"]["distance, m"]
    assert min(distance) == distance[-1], "distance accuses the man in orange"


@pytest.mark.slow
def test_light_is_no_evidence_and_heat_finds_everybody(told):
    assert max(told["light"]) < 0 and min(told["light"]) > -20
    assert 5 < told["spread"] < 30
    assert min(told["heat"]) > 20
    assert 0.4 * told["heat"][0] < told["half"] < 0.6 * told["heat"][0]
    assert 10 < told["dimmed"] < 50


@pytest.mark.slow
def test_the_answer_is_the_walker_who_withdraws_in_the_image(told):
    u, speed = told["evidence"]["u, pixels"], told["speed"]
    assert told["guilty"] == 0 and u[0] < -5 and u[-1] > 5
    assert 0.8 < speed[0] < 1.2, "a walking pace, to the right"
    assert 3.5 < -speed[1] / speed[0] < 4.7, "the cyclist is four times as fast and goes the other way"
    assert told["resting"] == ["C", "D", "E"]
    where = told["street"]["labels"][262:266, 140:175]  # just below her feet
    assert (where == told["CLASSES"].index("road")).all(), "she is on the road"


@pytest.mark.slow
def test_the_speed_in_metres_is_the_generators(told):
    from mmlib.scenes import Knobs
    from mmlib.scenes.actors import populate
    from mmlib.scenes.atlas import atlas
    from mmlib.scenes.knobs import resolve
    from mmlib.scenes.layout import build
    from mmlib.scenes.world import FRAME_TIME

    conditions = resolve(1411, Knobs(time="night"))
    world = build(1411, conditions, atlas())
    populate(world, 1411, conditions, atlas())
    people = {told["CLASSES"].index("person"), told["CLASSES"].index("rider")}
    sideways = sorted(q.velocity[0] / FRAME_TIME for q in world.quads if q.body and q.label in people)
    assert sorted(told["speed"]) == pytest.approx(sideways, abs=0.02)


@pytest.mark.slow
def test_the_clip_passes_through_the_scene(told):
    now, after = (told["frames"][told["times"].index(time)] for time in (0, 1))
    street = told["street"]
    assert torch.equal(now[0], street["rgb"]) and torch.equal(after[0], street["rgb_next"])
    assert torch.equal(now[1], street["ir"]) and torch.equal(after[1], street["ir_next"])
    assert 8 <= len(told["frames"]) <= 10
    noise = [rgb for rgb, _ in told["frames"]]
    assert all((a - b).abs().mean() > 0.005 for a, b in zip(noise, noise[1:])), "every frame is another one"


@pytest.mark.slow
def test_the_still_world_moves_by_three_numbers_an_axis(told):
    assert told["worst"] < 0.01
    assert told["a_from_u"] == pytest.approx(told["a_from_v"], abs=0.005) and told["a_from_u"] > 0.2
    assert told["after"] < 0.7 * told["before"]


@pytest.mark.slow
def test_sentences_mean_whom_the_text_says(told):
    assert told["her"] == ["the person on the left", "the warmest person"]
    assert "the person that moves right" in told["his"]
    assert told["meant"]["the smallest person"] == "C", "three people are meant by left, smallest and nearest"
    assert told["meant"]["the nearest person"] == "E"


@pytest.mark.slow
def test_the_threshold_is_good_here_and_poor_elsewhere(told):
    assert told["scores"][told["best"]] > 0.6
    assert told["middle_score"] < told["scores"][told["best"]] - 0.2
    assert told["false_alarms"] > 5 and told["misses"] > 3
    assert told["best"] not in (told["levels"][0], told["levels"][-1])
