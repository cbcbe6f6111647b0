"""From an exercise's name to a verdict on an answer, and to its hints."""

import ast
import importlib
import linecache
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from types import TracebackType

from torch import Tensor

from mmlib.exercises.asking import Ask, Failed, NotWritten, kindly
from mmlib.exercises.describe import describe
from mmlib.show.html import Html, tag


@dataclass(frozen=True)
class Exercise:
    """One exercise: its name ("ch1.average"), its hints from gentle to plain, and the questions to ask.

    Without questions, the exercise is checked by the assertions in its own cell. In a hint, `backticks` mark code.
    """

    name: str
    hints: Sequence[str]
    questions: Callable[[Ask], None] | None = None


def exercise(name: str, *, hints: Sequence[str]) -> Callable[[Callable[[Ask], None]], Exercise]:
    """Make an exercise of a function that asks an answer for its properties, one by one."""
    return lambda questions: Exercise(name, hints, questions)


def in_chapter(chapter: int) -> dict[str, Exercise]:
    """The exercises of a chapter by name."""
    members = vars(importlib.import_module(f"mmlib.exercises.ch{chapter:02d}")).values()
    return {member.name: member for member in members if isinstance(member, Exercise)}


def find(name: str) -> Exercise:
    """The exercise of that name. Raises ValueError if there is none; the message lists those of the chapter."""
    match = re.match(r"ch(\d+)\.", name)
    if not match:
        raise ValueError(f"expected a name like 'ch1.average', got {name!r}")
    known = in_chapter(int(match[1]))
    if name not in known:
        raise ValueError(f"there is no exercise {name!r}; this chapter has: {', '.join(known)}")
    return known[name]


def check(name: str, answer: Callable) -> "Assertions | None":
    """Print whether the function `answer` solves the exercise `name`; an error in it is reported, never raised.

    Where the exercise's own cell has the assertions, they are the block of `with check("ch5.seeds", seeds_needed):`.
    """
    questions = find(name).questions
    if questions is None:
        return Assertions(name, answer)
    ask = Ask(answer)
    try:
        questions(ask)
    except NotWritten:
        _tell(name)
    except Failed as failure:
        _tell(name, ask.passed, ask.current, str(failure))
    else:
        _tell(name, ask.passed)
    return None


class Assertions:
    """A block of plain assertions about a function. The first that fails is printed with what the function gave."""

    def __init__(self, name: str, answer: Callable):
        self.name = name
        self.answer = answer

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None:
            _tell(self.name, ["every assertion above"])
            return False
        asserted = self._asserted(trace)
        if asserted is None or not isinstance(error, Exception):
            return False  # not about the answer: the reader has interrupted it, or the block itself is wrong
        self._explain(asserted, trace.tb_frame.f_globals)
        return True

    def _asserted(self, trace: TracebackType) -> ast.Assert | None:
        """The assertion that was being made."""
        cell = ast.parse("".join(linecache.getlines(trace.tb_frame.f_code.co_filename)))
        for node in ast.walk(cell):
            if isinstance(node, ast.Assert) and node.lineno <= trace.tb_lineno <= node.end_lineno:
                return node
        return None

    def _explain(self, asserted: ast.Assert, names: dict[str, object]) -> None:
        """Call the answer as the assertion does once more, to show what went in and what came out."""
        calls = [node for node in ast.walk(asserted.test) if isinstance(node, ast.Call)]
        call = next(c for c in calls if isinstance(c.func, ast.Name) and names.get(c.func.id) is self.answer)
        used = {node.id: names.get(node.id) for node in ast.walk(call) if isinstance(node, ast.Name)}
        lines = [f"given {name} = {describe(value)}" for name, value in used.items() if isinstance(value, Tensor)]
        lines.append(f"expected {ast.unparse(asserted.test)}")
        try:
            got = eval(compile(ast.Expression(call), "<assertion>", "eval"), names)
        except NotImplementedError:
            got = None
        except Exception as raised:
            got = raised
        if got is None or got is ...:
            _tell(self.name)
            return
        raised = isinstance(got, Exception)
        lines.append(kindly(got, self.answer) if raised else f"got {ast.unparse(call)} = {describe(got)}")
        _tell(self.name, [], asserted.msg.value, "\n".join(lines))


def _tell(name: str, passed: Sequence[str] | None = None, failed: str = "", why: str = "") -> None:
    """Print a verdict: not written yet (nothing passed, nothing failed), not yet, or solved."""
    if passed is None:
        print(f"{name}: not written yet. Replace the dots, then run this cell again.")
        return
    print(f"{name}: not yet." if failed else f"{name}: solved.")
    for held in passed:
        print(f"  holds: {held}")
    if failed:
        print(f"  FAILS: {failed}")
        for line in why.splitlines():
            print(f"      {line}")
        print(f'  hint("{name}") has {len(find(name).hints)} hints.')


def hint(name: str) -> Html:
    """The hints of the exercise `name`, each folded until it is opened."""
    hints = find(name).hints
    folded = []
    for number, text in enumerate(hints, 1):
        summary = tag("summary", f"Hint {number} of {len(hints)}", style="cursor:pointer")
        marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
        folded.append(tag("details", summary + tag("p", marked, style="margin:.3em 0 .6em 1.2em")))
    plain = "\n".join(f"Hint {number}: {text}" for number, text in enumerate(hints, 1))
    return Html(tag("div", "".join(folded), class_="mm-hints", style="margin:.5em 0"), plain)
