"""From an exercise's name to a verdict on an answer, and to its hints."""

import importlib
import importlib.util
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from mmlib.exercises.asking import Ask, Failed, NotWritten
from mmlib.show.html import Html, tag


@dataclass(frozen=True)
class Exercise:
    """One exercise: its name ("ch1.average"), its hints from gentle to plain, and the questions to ask."""

    name: str
    hints: tuple[str, ...]
    questions: Callable[[Ask], None]


@dataclass(frozen=True)
class Verdict:
    """What came out: the properties that hold, the first that does not, and why."""

    name: str
    passed: tuple[str, ...]
    failed: str = ""
    why: str = ""
    written: bool = True

    def __bool__(self) -> bool:
        return self.written and not self.failed

    def _ipython_display_(self) -> None:
        """Nothing: ``check`` has printed it, and a notebook would show it again below."""

    def __str__(self) -> str:
        if not self.written:
            return f"{self.name}: not written yet. Replace the dots, then run this cell again."
        lines = [f"  holds: {name}" for name in self.passed]
        if not self.failed:
            return "\n".join([f"{self.name}: solved. Every property holds.", *lines])
        lines += [f"  FAILS: {self.failed}"] + [f"      {line}" for line in self.why.splitlines()]
        return "\n".join([f"{self.name}: not yet.", *lines])


def exercise(name: str, *, hints: Sequence[str]) -> Callable[[Callable[[Ask], None]], Exercise]:
    """Make an exercise of a function that asks an answer for its properties, one by one.

    ``name`` is the chapter and the exercise, as in "ch1.average"; ``hints`` are at least two, gentle ones first,
    plain text in which `backticks` mark code.
    """
    if not re.fullmatch(r"ch\d+\.[a-z0-9_]+", name):
        raise ValueError(f"expected a name like 'ch1.average', got {name!r}")
    if len(hints) < 2:
        raise ValueError(f"expected at least two hints for {name}, got {len(hints)}")
    return lambda questions: Exercise(name, tuple(hints), questions)


def in_chapter(chapter: int) -> dict[str, Exercise]:
    """The exercises of a chapter by name; none if it has no file of exercises."""
    module = f"mmlib.exercises.ch{chapter:02d}"
    if importlib.util.find_spec(module) is None:
        return {}
    members = vars(importlib.import_module(module)).values()
    return {e.name: e for e in members if isinstance(e, Exercise)}


def find(name: str) -> Exercise:
    """The exercise of that name.

    Raises:
        ValueError: if there is none; the message lists those of the chapter.
    """
    match = re.match(r"ch(\d+)\.", str(name))
    known = in_chapter(int(match[1])) if match else {}
    if name not in known:
        listed = ", ".join(known) or "none; names look like 'ch1.average'"
        raise ValueError(f"there is no exercise {name!r}; this chapter has: {listed}")
    return known[name]


def judge(exercise: Exercise, answer: object) -> Verdict:
    """Ask ``answer`` everything the exercise asks for, up to the first property that fails."""
    ask = Ask(answer)
    try:
        exercise.questions(ask)
    except NotWritten:
        return Verdict(exercise.name, (), written=False)
    except Failed as failure:
        return Verdict(exercise.name, tuple(ask.passed), ask.current, str(failure))
    return Verdict(exercise.name, tuple(ask.passed))


def check(name: str, answer: object) -> Verdict:
    """Print whether ``answer`` solves the exercise ``name``, property by property; the verdict is true if it does.

    Never stops a notebook: an error in the answer is reported like any other property that fails. Under
    ``MMLIB_STRICT=1`` an answer that does not pass raises an AssertionError with the same text.
    """
    try:
        exercise = find(name)
    except ValueError as unknown:
        return _tell(Verdict(str(name), (), failed="it exists", why=str(unknown)), str(unknown))
    verdict = judge(exercise, answer)
    more = f'\n  hint("{name}") has {len(exercise.hints)} hints.' if verdict.failed else ""
    return _tell(verdict, f"{verdict}{more}")


def _tell(verdict: Verdict, text: str) -> Verdict:
    if not verdict and os.environ.get("MMLIB_STRICT", "0") == "1":
        raise AssertionError(text)
    print(text)
    return verdict


def hint(name: str) -> Html:
    """The hints of the exercise ``name``, each folded until it is opened."""
    hints = find(name).hints
    folded = [
        tag("details", tag("summary", f"Hint {i} of {len(hints)}", style="cursor:pointer") + _paragraph(text))
        for i, text in enumerate(hints, 1)
    ]
    plain = "\n".join(f"Hint {i}: {text}" for i, text in enumerate(hints, 1))
    return Html(tag("div", "".join(folded), class_="mm-hints", style="margin:.5em 0"), plain)


def _paragraph(text: str) -> str:
    return tag("p", re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)), style="margin:.3em 0 .6em 1.2em")
