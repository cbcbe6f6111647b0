"""The phrasebook without a browser: what it freezes, and what it refuses."""

import html
import json
import re

import pytest
import torch

from mmlib import show
from mmlib.show.phrasebook import run_lengths

PICTURE = torch.zeros(3, 8, 16)
MASK = torch.zeros(4, 8, dtype=torch.bool)
MASK[1, 2:5] = True


def answer(mask=MASK, words=2, note="Found."):
    return show.Answer(mask, torch.tensor([[0.0, 1.0]]), [50] * words, note)


def test_runs_go_row_by_row_and_begin_outside():
    assert run_lengths(MASK) == [10, 3, 19]
    assert run_lengths(~MASK) == [0, 10, 3, 19]
    assert run_lengths(torch.zeros(2, 3, dtype=torch.bool)) == [6]
    assert run_lengths(torch.ones(2, 3, dtype=torch.bool)) == [0, 6]


def test_every_phrase_is_frozen_and_the_first_is_there_without_a_script():
    answers = {"the car": answer(), "the car that moves": answer(words=4), "all cars": answer(note="None.")}
    made = show.phrasebook(PICTURE, answers, start="the car", alt="a street")
    (told,) = re.findall(r'data-answers="([^"]*)"', made.html)
    told = json.loads(html.unescape(told))
    assert told["the car"] == ["10,3,19", "09", [50, 50], "Found."] and told["all cars"][3] == "None."
    assert 'data-fine="4,8"' in made.html and 'data-coarse="1,2"' in made.html
    assert made.html.count("<figure") == 1 and made.html.count("<img") == 2
    assert ">that</button>" in made.html and ">the</button>" not in made.html, "the words that may come next"
    assert ">Found.</output>" in made.html and "Found." in made.text
    assert " id=" not in made.html and "<script" not in made.html and "http" not in made.html


def test_wrong_answers_are_refused():
    with pytest.raises(ValueError, match="start out of the 1 phrases"):
        show.phrasebook(PICTURE, {"the car": answer()}, start="the bus", alt="x")
    with pytest.raises(ValueError, match="got others for 'all cars'"):
        show.phrasebook(PICTURE, {"the car": answer(), "all cars": answer(MASK[:2])}, start="the car", alt="x")
    with pytest.raises(ValueError, match="one weight for each word of 'all red cars'"):
        show.phrasebook(PICTURE, {"the car": answer(), "all red cars": answer()}, start="the car", alt="x")
