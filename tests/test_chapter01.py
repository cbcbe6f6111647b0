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


@pytest.mark.slow
def test_light_hardly_shows_the_walker_and_heat_does(told):
    assert abs(told["light"]) < told["spread"] < 30
    assert told["heat"] > 40 and 0.4 * told["heat"] < told["half"] < 0.6 * told["heat"]
    assert 10 < told["dimmed"] < 50


@pytest.mark.slow
def test_she_withdraws_in_the_image_and_steps_onto_the_road(told):
    street, near = told["street"], told["near_people"]
    assert len(near) == 3
    in_the_image = [told["middle"](street["flow"][0], i) for i in near]
    on_the_ground = [told["middle"](told["own"][0], i) for i in near]
    assert in_the_image[0] < -5 and in_the_image[2] > 5
    assert on_the_ground[0] > 2 and max(map(abs, on_the_ground[1:])) < 0.01
    assert torch.equal(told["answer"], street["instances"] == near[0])


@pytest.mark.slow
def test_the_still_world_moves_by_three_numbers_an_axis(told):
    assert told["worst"] < 0.01
    assert told["t_from_u"] == pytest.approx(told["t_from_v"], abs=0.005) and told["t_from_u"] > 0.2
    assert told["after"] < 0.7 * told["before"]


@pytest.mark.slow
def test_sentences_mean_whom_the_text_says(told):
    meant = {e.text: e.instances for e in told["street"]["expressions"]}
    left, right = told["people"][0], told["people"][-1]
    assert {meant["the person on the left"], meant["the warmest person"]} == {(left,)}
    names = ("the person on the right", "the largest person", "the nearest person", "the person that moves right")
    assert {meant[name] for name in names} == {(right,)}
    assert {"the rider that moves left", "the coldest car", "the plants", "the smallest person"} <= set(meant)


@pytest.mark.slow
def test_the_threshold_is_good_here_and_poor_elsewhere(told):
    assert told["scores"][told["best"]] > 0.6
    assert told["middle_score"] < told["scores"][told["best"]] - 0.2
    assert told["false_alarms"] > 5 and told["misses"] > 3
    assert told["best"] not in (told["levels"][0], told["levels"][-1])
