"""The piece of HTML that every figure is, and the few rules that all of them follow."""

import os
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Html:
    """A finished piece of HTML with a plain-text twin for terminals and logs.

    Notebooks show ``html`` when the object is the last line of a cell; ``text`` is what ``print`` gives.
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def is_static() -> bool:
    """Whether pages are being printed (``MMLIB_STATIC=1``), so that no kernel will answer later."""
    return os.environ.get("MMLIB_STATIC", "0") == "1"


def need_alt(alt: str) -> str:
    """The alternative text, stripped.

    Raises:
        ValueError: if it is empty: a picture without one does not exist for a reader who cannot see it.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt must say in words what the figure shows, got {alt!r}; pass alt='...'")
    return alt.strip()


def attributes(**values: object) -> str:
    """HTML attributes, escaped: ``None`` and ``False`` are left out, ``True`` stands alone, ``_`` becomes ``-``."""
    parts = []
    for name, value in values.items():
        name = name.strip("_").replace("_", "-")
        if value is True:
            parts.append(name)
        elif value is not None and value is not False:
            parts.append(f'{name}="{escape(str(value), quote=True)}"')
    return " ".join(parts)


def tag(name: str, content: str = "", **values: object) -> str:
    """One HTML element; ``content`` is HTML already, the attributes are escaped here."""
    opening = f"<{name} {attributes(**values)}".rstrip()
    return f"{opening}>" if name in ("img", "input") else f"{opening}>{content}</{name}>"


def figure(body: str, *, alt: str, caption: str | None, kind: str, style: str = "", label: bool = True) -> Html:
    """Wrap finished HTML into a captioned ``<figure>``; the caption is plain text.

    ``label``: whether the figure itself carries ``alt``; not needed where its only picture already does.
    """
    if caption:
        body += tag("figcaption", escape(caption), style="font-size:.9em;margin-top:.5em;text-align:left")
    # A few inline styles, so that the figure also looks right where the book's style sheet is not loaded.
    outer = f"margin:1em 0;{style}"
    html = tag("figure", body, class_=f"mm-figure mm-{kind}", aria_label=label and alt, style=outer)
    return Html(html, f"[{kind}] {alt}")
