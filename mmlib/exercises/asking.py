"""Asking an answer questions, and telling kindly where it goes wrong."""

import copy
import linecache
import traceback
from collections.abc import Callable

import torch

from mmlib.exercises.describe import describe, difference


class NotWritten(Exception):
    """The answer is still the stub."""


class Failed(Exception):
    """A property does not hold; the text says what was expected and what came."""


class Ask:
    """Asks one answer for one property after another; the first that fails ends the questions.

    The answer is a function, called with the arguments given here, or a plain value, asked without arguments.
    """

    def __init__(self, answer: object):
        self._answer = answer
        self.passed: list[str] = []
        self.current = ""

    def equals(self, name: str, *args: object, want: object, atol: float = 1e-5, **kwargs: object) -> object:
        """The answer gives ``want`` (a tensor, number, text, or a sequence of those) to within ``atol``.

        ``name`` is the property in words, as the reader will see it. Returns what the answer gave.
        """
        got = self._call(name, args, kwargs)
        if found := difference(want, got, atol):
            raise Failed(self._with_arguments(found, args, kwargs))
        return self._pass(got)

    def holds(
        self, name: str, *args: object, that: Callable[[object], bool], expected: str, **kwargs: object
    ) -> object:
        """``that(result)`` is true; ``expected`` says in words what it asks for. Returns what the answer gave."""
        got = self._call(name, args, kwargs)
        try:
            good = bool(that(got))
        except Exception:  # the answer gave something that cannot even be judged
            good = False
        if not good:
            raise Failed(self._with_arguments(f"expected {expected}\ngot {describe(got)}", args, kwargs))
        return self._pass(got)

    def refuses(self, name: str, *args: object, error: type[Exception] = ValueError, **kwargs: object) -> None:
        """The answer raises ``error``."""
        self.current = name
        try:
            got = self._function()(*copy.deepcopy(args), **copy.deepcopy(kwargs))
        except NotImplementedError as stub:
            raise NotWritten from stub
        except error:
            return self._pass(None)
        except Exception as other:
            got = other
        raise Failed(self._with_arguments(f"expected a {error.__name__}\ngot {describe(got)}", args, kwargs))

    def _pass(self, got: object) -> object:
        self.passed.append(self.current)
        return got

    def _function(self) -> Callable:
        if not callable(self._answer):
            kind = type(self._answer).__name__
            raise Failed(f"expected a function\ngot {kind}: hand over the function itself, without calling it")
        return self._answer

    def _call(self, name: str, args: tuple, kwargs: dict) -> object:
        self.current = name
        if not args and not kwargs and not callable(self._answer):
            return _written(self._answer)
        if self._answer is None or self._answer is ...:
            raise NotWritten
        # The answer gets copies, so that one that changes its input cannot spoil the next question.
        given = copy.deepcopy((args, kwargs))
        try:
            got = self._function()(*given[0], **given[1])
        except (NotWritten, Failed):
            raise
        except NotImplementedError as stub:
            raise NotWritten from stub
        except Exception as error:
            raise Failed(self._with_arguments(_kindly(error, self._answer), args, kwargs)) from error
        if not _same(given, (args, kwargs)):
            raise Failed("expected the arguments to stay as they are\ngot arguments that the function has changed")
        return _written(got)

    def _with_arguments(self, text: str, args: tuple, kwargs: dict) -> str:
        shown = [describe(a) for a in args] + [f"{k} = {describe(v)}" for k, v in kwargs.items()]
        return "".join(f"given {line}\n" for line in shown) + text


def _written(value: object) -> object:
    if value is None or value is ...:
        raise NotWritten
    return value


def _kindly(error: Exception, answer: Callable) -> str:
    """An error inside the reader's function: its text, and the reader's own line that led to it."""
    text = f"expected an answer\ngot {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    home = getattr(getattr(answer, "__code__", None), "co_filename", None)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == home]
    line = linecache.getline(own[-1].filename, own[-1].lineno).strip() if own else ""
    return f"{text}\nin your line {own[-1].lineno}: {line}" if line else text


def _same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num())
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return True
