"""Every figure of the papers' chapters: a sentence where there are no records, a drawing on any scores."""

import inspect
import zlib
from collections.abc import Callable

import pandas
import pytest

from mmlib.book import figures, figures05, figures06, figures07, figures08, figures09, numbers
from mmlib.results import frame
from mmlib.show.html import Html

NOTHING = frame("training").iloc[:0]
MISSING = "no run is published yet"
CHAPTERS = (figures05, figures06, figures07, figures08, figures09)
SEEDS = pandas.Index([0, 1, 2], name="seed")


def of(given: str) -> list:
    """The functions of all chapters that give a figure and need nothing but `given`."""
    found = []
    for chapter in CHAPTERS:
        for name, function in inspect.getmembers(chapter, inspect.isfunction):
            if function.__module__ != chapter.__name__ or name.startswith("_"):
                continue
            signature = inspect.signature(function)
            needed = [one.name for one in signature.parameters.values() if one.default is one.empty]
            # Without records GloVe's neighbours come from the vectors, or the page says how to get them.
            if needed == [given] and signature.return_annotation == "Html" and name != "glove_neighbours":
                found.append(pytest.param(function, id=f"{chapter.__name__[-2:]}.{name}"))
    return found


def made_up(_: object, metric: str, arms: list[str], longer: int = 1) -> pandas.DataFrame:
    """Scores of three seeds for whatever is asked, in points; they depend on names alone."""
    scores = {
        arm: [zlib.crc32(f"{arm} {metric} {longer} {seed}".encode()) % 10_000 / 100 for seed in SEEDS] for arm in arms
    }
    return pandas.DataFrame(scores, index=SEEDS)


@pytest.mark.parametrize("draw", of("numbers"))
def test_without_scores_a_figure_says_so(draw: Callable[..., Html]):
    assert MISSING in draw(NOTHING).text


@pytest.mark.parametrize("draw", of("runs"))
def test_without_records_a_figure_says_so(draw: Callable[..., Html], monkeypatch):
    monkeypatch.setattr(figures, "read_records", lambda paper: {})
    assert MISSING in draw({}).text


@pytest.mark.parametrize("draw", of("numbers"))
def test_on_any_scores_a_figure_is_drawn(draw: Callable[..., Html], monkeypatch):
    for module in (numbers, figures, figures06):
        monkeypatch.setattr(module, "by_seed", made_up)
    monkeypatch.setattr(figures05, "every_seed", made_up)
    shown = draw(NOTHING)
    assert MISSING not in shown.text
    assert "<table" in shown.html or "<svg" in shown.html or "<img" in shown.html
