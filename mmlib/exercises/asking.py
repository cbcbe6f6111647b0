"""Asking an answer questions, and telling kindly where it goes wrong."""

import copy
import inspect
import linecache
import traceback
from collections.abc import Callable

from mmlib.exercises.describe import describe, difference


class NotWritten(Exception):
    """The answer is still the stub."""


class Failed(Exception):
    """A property does not hold; the text says what was expected and what came."""


class Ask:
    """Asks a function for one property after another; the first that fails ends the questions.

    `name` is the property in words, as the reader will see it. The rest are the arguments of the function.
    """

    def __init__(self, answer: Callable):
        self.answer = answer
        self.passed: list[str] = []
        self.current = ""

    def equals(self, name: str, *args: object, want: object, atol: float = 1e-5, **kwargs: object) -> None:
        """The answer gives `want` (a tensor, a number, or a sequence of those) to within `atol`."""
        got = self._call(name, args, kwargs)
        found = difference(want, got, atol)
        if found:
            raise Failed(self._given(args, kwargs) + found)
        self.passed.append(name)

    def holds(self, name: str, *args: object, that: Callable[[object], bool], expected: str, **kwargs: object) -> None:
        """`that(result)` is true; `expected` says in words what it asks for."""
        got = self._call(name, args, kwargs)
        try:
            good = bool(that(got))
        except Exception:  # the answer gave something that cannot even be judged
            good = False
        if not good:
            raise Failed(f"{self._given(args, kwargs)}expected {expected}\ngot {describe(got)}")
        self.passed.append(name)

    def _call(self, name: str, args: tuple, kwargs: dict) -> object:
        self.current = name
        if not callable(self.answer):
            raise Failed(f"expected a function\ngot {describe(self.answer)}: hand over the function itself")
        # The answer gets copies, so that one that changes its input cannot spoil the next question.
        given, named = copy.deepcopy((args, kwargs))
        try:
            got = self.answer(*given, **named)
        except NotImplementedError as stub:
            raise NotWritten from stub
        except Exception as error:
            raise Failed(self._given(args, kwargs) + kindly(error, self.answer)) from error
        if got is None or got is ...:
            raise NotWritten
        if difference([args, *kwargs.values()], [given, *named.values()], atol=0):
            raise Failed("expected the arguments to stay as they are\ngot arguments that the function has changed")
        return got

    def _given(self, args: tuple, kwargs: dict) -> str:
        """The arguments under the names that the reader gave them, one a line."""
        try:
            names = list(inspect.signature(self.answer).parameters)
        except ValueError:  # a function of PyTorch itself has no signature
            names = [f"argument {number}" for number, _ in enumerate(args, 1)]
        named = dict(zip(names, args)) | kwargs
        return "".join(f"given {name} = {describe(value)}\n" for name, value in named.items())


def kindly(error: Exception, answer: Callable) -> str:
    """An error inside the reader's function: its text, and the reader's own line that led to it."""
    text = f"got {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    home = getattr(getattr(answer, "__code__", None), "co_filename", None)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == home]
    line = linecache.getline(own[-1].filename, own[-1].lineno).strip() if own else ""
    return f"{text}\nin your line {own[-1].lineno}: {line}" if line else text
