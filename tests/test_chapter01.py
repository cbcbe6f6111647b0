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
def test_three_people_go_left_in_the_image_and_one_of_them_right_on_the_ground(told):
    street, own = told["street"], told["own"]
    near = told["near_people"]
    assert len(near) == 3 and all((street["boxes"][i - 1, 2] < told["W"] / 2) for i in near)
    in_the_image = [told["middle"](street["flow"][0], i) for i in near]
    on_the_ground = [told["middle"](own[0], i) for i in near]
    assert all(u < 0 for u in in_the_image) and in_the_image[0] < -10
    assert on_the_ground[0] > 2 and on_the_ground[1] < -1
    assert torch.equal(told["answer"], street["instances"] == near[0])


@pytest.mark.slow
def test_the_still_world_moves_by_three_numbers_an_axis(told):
    assert told["worst"] < 0.01
    assert told["t_from_u"] == pytest.approx(told["t_from_v"], abs=0.005) and told["t_from_u"] > 0.2
    assert told["after"] < 0.7 * told["before"]


@pytest.mark.slow
def test_sentences_lead_to_her(told):
    texts = {e.text for e in told["street"]["expressions"] if e.instances == (told["near_people"][0],)}
    assert {"the person on the left", "the largest person", "the nearest person", "the warmest person"} <= texts


@pytest.mark.slow
def test_the_threshold_is_good_here_and_poor_elsewhere(told):
    assert told["scores"][told["best"]] > 0.6
    assert told["middle_score"] < 0.3 and told["flooded"] > 3
    assert told["best"] not in (told["levels"][0], told["levels"][-1])
