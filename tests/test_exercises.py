"""The exercise checker itself: what it accepts, what it refuses, and in which words."""

import linecache

import pytest
import torch

from mmlib.exercises import Ask, Exercise, check, exercise, find, hint

ZERO, ONE = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)


@exercise("ch99.mean", hints=["Is a < b?", "`a & b`"])
def mean(ask: Ask) -> None:
    ask.equals("two equal images give that image", ONE, ONE, want=ONE)
    ask.equals("black and white give grey", ZERO, ONE, want=torch.full((1, 1, 2, 2), 0.5))
    ask.holds("the result stays in [0, 1]", ONE, b=ZERO, that=lambda r: r.max() <= 1, expected="[0, 1]")


ASSERTED = Exercise("ch99.asserted", ["Half of it.", "`x / 2`"])


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    known = {"ch99.mean": mean, "ch99.asserted": ASSERTED}
    monkeypatch.setattr("mmlib.exercises.checking.find", lambda name: known[name])


def good(a, b):
    return (a + b) / 2


def test_a_good_answer_holds_every_property(capsys):
    check("ch99.mean", good)
    said = capsys.readouterr().out
    assert said.startswith("ch99.mean: solved.") and said.count("holds:") == 3


def raises(a, b):
    raise NotImplementedError


@pytest.mark.parametrize("stub", [lambda a, b: None, lambda a, b: ..., raises])
def test_a_stub_is_not_written_yet(stub, capsys):
    check("ch99.mean", stub)
    assert capsys.readouterr().out.startswith("ch99.mean: not written yet")


def spoils(a, b):
    a += b
    return a / 2


def crashes(a, b):
    return a.no_such_thing()


@pytest.mark.parametrize(
    "answer, failed, message",
    [
        (lambda a, b: a + b, "two equal", "given a = [[[[1, 1], [1, 1]]]]"),
        (lambda a, b: a + b, "two equal", "expected [[[[1, 1], [1, 1]]]]  (float32 tensor (1, 1, 2, 2))"),
        (lambda a, b: a + b, "two equal", "got [[[[2, 2], [2, 2]]]]"),
        (lambda a, b: a * float("nan"), "two equal", "got [[[[nan, nan], [nan, nan]]]]"),
        (lambda a, b: 1.0, "two equal", "got 1.0"),
        (lambda a, b: good(a, b)[0], "two equal", "expected the shape (1, 1, 2, 2)\n      got (1, 2, 2)"),
        (lambda a, b: good(a, b).long(), "two equal", "expected floating-point numbers\n      got whole numbers"),
        (lambda a, b: good(a, b) > 0, "two equal", "got true and false (bool)"),
        (lambda a: a, "two equal", "TypeError"),
        (crashes, "two equal", "return a.no_such_thing()"),
        (spoils, "two equal", "arguments that the function has changed"),
        (ONE, "two equal", "hand over the function itself"),
        (torch.maximum, "black and white", "expected [[[[0.5, 0.5], [0.5, 0.5]]]]"),
        (lambda a, b: b if a is b else a.new_full(a.shape, 0.5) + (a > b), "the result", "expected [0, 1]"),
        (lambda a, b: a if a is b else a.new_full(a.shape, 0.5) + (a > b), "the result", "given b = [[[[0, 0]"),
    ],
)
def test_a_wrong_answer_hears_which_property_failed_and_why(answer, failed, message, capsys):
    check("ch99.mean", answer)
    said = capsys.readouterr().out
    assert said.startswith("ch99.mean: not yet.") and f"FAILS: {failed}" in said and message in said
    assert "Traceback" not in said and said.endswith('hint("ch99.mean") has 2 hints.\n')


def why(questions, answer, capsys, monkeypatch):
    monkeypatch.setattr("mmlib.exercises.checking.find", lambda name: Exercise(name, (), questions))
    check("ch99.toy", answer)
    return capsys.readouterr().out


def test_a_property_that_cannot_be_judged_fails(capsys, monkeypatch):
    def small(ask):
        ask.holds("is small", 1, that=lambda r: r < 2, expected="less than 2")

    assert "expected less than 2\n      got 'text'" in why(small, lambda x: "text", capsys, monkeypatch)


LARGE = torch.zeros(50, 50)
SPOT = LARGE.clone()
SPOT[3, 4] = 1


@pytest.mark.parametrize(
    "want, right, wrong, message",
    [
        (3, 3, 4, "expected 3\n      got 4"),
        (3, torch.tensor(3), torch.tensor([3, 3]), "got [3, 3]"),
        (200_000, 200_000, 200_001, "got 200001"),
        (2.5, 2.500001, 2.6, "got 2.6"),
        (2.5, torch.tensor([2.5]), "2.5", "got '2.5'"),
        ((1, torch.tensor([1])), [1, torch.tensor([1])], (1, torch.tensor([2])), "in value number 2:"),
        ((1, 2), (1, 2), (1, 2, 3), "got (1, 2, 3)"),
        (torch.tensor([float("nan")]), torch.tensor([float("nan")]), torch.tensor([0.0]), "expected [nan]"),
        (torch.tensor([-0.0]), torch.tensor([0.0]), torch.tensor([1.0]), "expected [0]"),
        (LARGE, LARGE, SPOT, "expected 0 at [3, 4]\n      got 1 there; 1 of 2500 values differ"),
    ],
)
def test_what_counts_as_equal(want, right, wrong, message, capsys, monkeypatch):
    def asks(ask):
        ask.equals("is right", 0, want=want)

    assert "solved" in why(asks, lambda x: right, capsys, monkeypatch)
    assert message in why(asks, lambda x: wrong, capsys, monkeypatch)


CELL = """
with check("ch99.asserted", half):
    ten = torch.tensor([10.0])
    assert half(2) == 1, "half of two"
    assert (
        abs(half(ten) - 5) < 0.01
    ), "half of ten"
"""


def run(half, cell=CELL):
    linecache.cache["cell"] = (len(cell), None, cell.splitlines(keepends=True), "cell")
    exec(compile(cell, "cell", "exec"), {"check": check, "half": half, "torch": torch, "ten": None})


@pytest.mark.parametrize(
    "half, said",
    [
        (lambda x: x / 2, "ch99.asserted: solved."),
        (lambda x: None, "ch99.asserted: not written yet"),
        (raises, "FAILS: half of two\n      expected half(2) == 1\n      got TypeError"),
        (lambda x: x, "FAILS: half of two\n      expected half(2) == 1\n      got half(2) = 2\n  hint("),
        (
            lambda x: x - 1,
            "FAILS: half of ten\n      given ten = [10]  (float32 tensor (1,))\n      expected abs(",
        ),
        (lambda x: x - 1, "got half(ten) = [9]  (float32 tensor (1,))"),
        (lambda x: x.missing if x == 10 else x / 2, "got AttributeError"),
        (3, "got TypeError: 'int' object is not callable"),
    ],
)
def test_plain_assertions_show_what_the_function_gave(half, said, capsys):
    run(half)
    assert said in capsys.readouterr().out


def test_a_mistake_of_the_block_itself_is_raised():
    with pytest.raises(NameError):
        run(lambda x: x / 2, 'with check("ch99.asserted", half):\n    nothing_like_that\n')


def test_an_interrupted_answer_is_not_called_again():
    calls = []

    def interrupted(x):
        calls.append(x)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupted)
    assert calls == [2]


def test_assertions_in_a_notebook_cell(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_cell("import torch\nfrom mmlib.exercises import check\nhalf = lambda x: x\n" + CELL)
    assert "got half(2) = 2" in capsys.readouterr().out


def test_a_check_prints_once_even_as_the_last_line_of_a_cell(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.instance().run_cell('from mmlib.exercises import check\ncheck("ch99.mean", lambda a, b: None)')
    said = capsys.readouterr().out
    assert said.count("not written yet") == 1 and "None" not in said


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(ValueError, match="there is no exercise 'ch1.nothing_like_that'; this chapter has: ch1."):
        find("ch1.nothing_like_that")
    with pytest.raises(ValueError, match="a name like"):
        find("nonsense")


def test_hints_are_folded_and_escaped():
    made = hint("ch99.mean")
    assert made.html.count("<details>") == 2 and "a &lt; b" in made.html and "<code>a &amp; b</code>" in made.html
    assert "Hint 2: `a & b`" in made.text
