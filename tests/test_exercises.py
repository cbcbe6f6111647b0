"""The exercise checker itself: what it accepts, what it refuses, and in which words."""

import pytest
import torch

from mmlib.exercises import Ask, Exercise, check, exercise, find, hint, judge

ZERO, ONE = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)


@exercise("ch99.mean", hints=["Add the two.", "`(a + b) / 2`"])
def mean(ask: Ask) -> None:
    ask.equals("two equal images give that image", ONE, ONE, want=ONE)
    ask.equals("black and white give grey", ZERO, ONE, want=torch.full((1, 1, 2, 2), 0.5))
    ask.holds("the result stays in [0, 1]", ONE, ZERO, that=lambda r: r.min() >= 0 and r.max() <= 1, expected="[0, 1]")
    ask.refuses("sizes must agree", ONE, ONE[..., :1])


def good(a, b):
    if a.shape != b.shape:
        raise ValueError("sizes differ")
    return (a + b) / 2


def test_a_good_answer_holds_every_property():
    verdict = judge(mean, good)
    assert verdict and len(verdict.passed) == 4 and "solved" in str(verdict)


@pytest.mark.parametrize("stub", [lambda a, b: None, lambda a, b: ..., None, ...])
def test_a_stub_is_not_written_yet(stub):
    verdict = judge(mean, stub)
    assert not verdict and not verdict.written and "not written yet" in str(verdict)


def test_a_stub_may_raise():
    def stub(a, b):
        raise NotImplementedError

    assert not judge(mean, stub).written


def answers():
    def spoils(a, b):
        a += b
        return a / 2

    def crashes(a, b):
        return a.no_such_thing()

    return {
        "two equal images": [
            (lambda a, b: a + b, "expected [[[[1, 1], [1, 1]]]]"),
            (lambda a, b: 1.0, "expected a tensor (1, 1, 2, 2)"),
            (lambda a, b: good(a, b)[0], "expected the shape (1, 1, 2, 2)\n      got (1, 2, 2)"),
            (lambda a, b: good(a, b).round().long(), "expected floating-point numbers"),
            (lambda a: a, "TypeError"),
            (crashes, "return a.no_such_thing()"),
            (spoils, "arguments that the function has changed"),
            (ONE, "hand over the function itself"),
        ],
        "black and white": [(lambda a, b: torch.maximum(a, b), "given [[[[0, 0], [0, 0]]]]")],
        "sizes must agree": [(lambda a, b: (a + b) / 2, "expected a ValueError")],
    }


@pytest.mark.parametrize("failed, answer, message", [(f, a, m) for f, pairs in answers().items() for a, m in pairs])
def test_a_wrong_answer_hears_which_property_failed_and_why(failed, answer, message):
    verdict = judge(mean, answer)
    assert not verdict and verdict.written
    assert failed in verdict.failed and message in str(verdict)
    assert "Traceback" not in str(verdict)


def test_a_property_that_cannot_be_judged_fails():
    odd = Exercise("ch99.odd", (), lambda ask: ask.holds("is small", 1, that=lambda r: r < 2, expected="less than 2"))
    assert "expected less than 2" in judge(odd, lambda x: "text").why


@pytest.mark.parametrize("want", [3, 2.5, True, "left", (1, "a"), torch.tensor([1, 2]), torch.tensor([True])])
def test_answers_may_be_plain_values(want):
    plain = Exercise("ch99.plain", (), lambda ask: ask.equals("is right", want=want))
    assert judge(plain, want)
    for wrong in (4, "right", False, (1, "b"), torch.tensor([2, 2]), torch.tensor([False]), [1]):
        assert not judge(plain, wrong), wrong


def test_large_tensors_are_summed_up():
    large = Exercise("ch99.large", (), lambda ask: ask.equals("is zero", want=torch.zeros(50, 50)))
    wrong = torch.zeros(50, 50)
    wrong[3, 4] = 1
    assert judge(large, wrong).why == "expected 0 at [3, 4]\ngot 1 there; 1 of 2500 values differ"


def test_nan_is_not_a_right_answer():
    assert not judge(mean, lambda a, b: torch.full_like(a, float("nan")))


def test_an_unknown_name_lists_what_there_is(capsys, monkeypatch):
    assert not check("ch1.nothing_like_that", good)
    assert "there is no exercise 'ch1.nothing_like_that'; this chapter has: ch1." in capsys.readouterr().out
    assert not check("nonsense", good)
    with pytest.raises(ValueError, match="names look like"):
        find("ch98.x")
    monkeypatch.setenv("MMLIB_STRICT", "1")
    with pytest.raises(AssertionError, match="no exercise"):
        check("ch1.nothing_like_that", good)


def test_a_check_prints_once_even_as_the_last_line_of_a_cell(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.instance().run_cell('from mmlib.exercises import check; check("ch1.average", ...)')
    assert capsys.readouterr().out.count("not written yet") == 1


@pytest.mark.parametrize("name, hints", [("mean", ["a", "b"]), ("ch1.mean", ["a"])])
def test_wrong_declarations_are_refused(name, hints):
    with pytest.raises(ValueError, match="expected"):
        exercise(name, hints=hints)


def test_hints_are_folded_and_escaped(monkeypatch):
    monkeypatch.setattr("mmlib.exercises.checking.find", lambda name: Exercise(name, ("is a < b?", "`a & b`"), print))
    made = hint("ch99.x")
    assert made.html.count("<details>") == 2 and "a &lt; b" in made.html and "<code>a &amp; b</code>" in made.html
