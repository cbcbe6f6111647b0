"""Excerpts of the library's source, so that a page shows the lines that run."""

import inspect
import textwrap
from collections.abc import Callable

from mmlib.show.html import Html, tag


def code(source: Callable | type, first: str = "", last: str | None = None) -> Html:
    """The lines of a function or class from the one that contains `first` up to the one that contains `last`.

    The line with `last` is left out; without `last` the excerpt goes on to the end. Long lines are wrapped, so that
    nothing scrolls sideways on a phone.

    Raises:
        ValueError: no line contains `first`, or none after it contains `last`.
    """
    lines = inspect.getsource(source).splitlines()
    start = _find(lines, first, 0)
    end = len(lines) if last is None else _find(lines, last, start + 1)
    text = textwrap.dedent("\n".join(lines[start:end])).strip("\n")
    return Html(_highlighted(text), text)


def _find(lines: list[str], part: str, start: int) -> int:
    for number in range(start, len(lines)):
        if part in lines[number]:
            return number
    raise ValueError(f"expected a line with {part!r} in the source, found none; next: choose another excerpt")


def _highlighted(text: str) -> str:
    """Python in the colours of the page's own code blocks, one element per line."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    painted = highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).splitlines()
    lines = []
    for plain, line in zip(text.splitlines(), painted):
        # What is wrapped goes on four columns further in than it began.
        hang = len(plain) - len(plain.lstrip()) + 4
        lines.append(tag("span", line + "\n", style=f"display:block;padding-left:{hang}ch;text-indent:-{hang}ch"))
    body = tag("pre", "".join(lines), style="white-space:pre-wrap;overflow-wrap:anywhere")
    block = tag("div", tag("div", body, class_="highlight"), class_="highlight-python notranslate")
    return tag("div", block, class_="mm-code")
