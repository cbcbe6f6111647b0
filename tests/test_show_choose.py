"""Pointing at things in a picture, without a browser: what the figure is made of, and what it refuses."""

import json
import re
from html import unescape

import pytest
import torch

from mmlib import show

BOXES = torch.tensor([[10.0, 5.0, 20.0, 25.0], [30.0, 5.0, 31.0, 7.0]])
NAMES = {"names": ["A", "B"], "notes": ["A it is.", "B it is."]}


def made(**changes):
    options = {"group": "walker", "alt": "a street", **NAMES, **changes}
    return show.choose(torch.zeros(3, 32, 64), BOXES, **options)


def test_every_thing_has_a_target_and_a_button_that_do_the_same():
    html = made().html
    targets = re.findall(r"<button[^>]*tabindex=\"-1\"[^>]*>", html)
    named = re.findall(r"<button(?![^>]*tabindex)[^>]*>(\w)</button>", html)
    assert len(targets) == 2 and named == ["A", "B"]
    assert "left:23.44%;top:46.88%" in targets[0]
    assert all("min-width:30px;min-height:30px" in target for target in targets), "a small thing can still be touched"
    assert len(set(re.findall(r"data-k=\"(\d)\"", html))) == 2
    assert html.count('aria-pressed="false"') == 2 and 'aria-live="polite"' in html


def test_notes_go_along_and_a_table_can_mark_the_choice():
    found = re.search(r'data-notes="([^"]*)"', made().html)[1]
    assert json.loads(unescape(found)) == NAMES["notes"]
    mark = show.chosen("walker", 1, "your <suspect>")
    assert 'data-group="walker"' in mark and 'data-k="1"' in mark and " hidden " in mark
    assert "your &lt;suspect&gt;" in mark


def test_it_needs_no_ids_and_leaves_no_names():
    html = made().html
    assert " id=" not in html and "<script" not in html and "window." not in html and "http" not in html


@pytest.mark.parametrize("changes", [{"names": ["A"]}, {"notes": []}, {"alt": " "}])
def test_wrong_input_is_refused(changes):
    with pytest.raises(ValueError):
        made(**changes)


def test_without_things_there_is_nothing_to_choose():
    with pytest.raises(ValueError, match="each box"):
        show.choose(torch.zeros(3, 8, 8), torch.zeros(0, 4), [], notes=[], group="g", alt="x")
