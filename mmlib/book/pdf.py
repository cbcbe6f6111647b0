"""The built pages on paper: the whole book as one PDF, with its chapters in the outline. A Chromium prints it.

python -m mmlib.book pdf [PAGE ...]
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from mmlib import __version__
from mmlib.files import ROOT, replace_file

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
MARGIN = {"top": "15mm", "bottom": "15mm", "left": "18mm", "right": "18mm"}
READY = "() => !document.querySelector('[id^=MathJax]') || (window.MathJax?.startup?.promise ?? true)"
"""Resolves once MathJax has set the formulas of a page."""


def pages_in_order(toc: Path = ROOT / "_toc.yml") -> list[tuple[str, int]]:
    """The pages of the table of contents, such as "nbs/01_one_scene", each with its depth: 0, or 1 below another."""
    listed = yaml.safe_load(toc.read_text(encoding="utf-8"))

    def below(entries: list[dict[str, Any]], depth: int) -> Iterator[tuple[str, int]]:
        for entry in entries:
            yield entry["file"], depth
            yield from below(entry.get("sections", []), depth + 1)

    chapters = [chapter for part in listed["parts"] for chapter in part["chapters"]]
    return [(listed["root"], 0), *below(chapters, 0)]


def print_book(build: Path, only: list[str] | None = None) -> Path:
    """Write `build`/fuse-flow-refer-VERSION.pdf from the pages of `build`/html, on A4; its path.

    Args:
        build: the folder that `make book` builds into.
        only: these pages and no others, by the names of the table of contents.

    Raises:
        FileNotFoundError: the pages are not built, or there is no Chromium.
        ValueError: a page that the book doesn't have.
    """
    from playwright.sync_api import Error, sync_playwright
    from pypdf import PdfReader, PdfWriter

    html = build / "html"
    if not (html / ".complete").is_file():
        raise FileNotFoundError(f"{html}: expected the built pages, there are none; next: make book")
    known = pages_in_order()
    if strange := set(only or ()) - {name for name, _ in known}:
        raise ValueError(f"expected pages of _toc.yml such as {known[0][0]}, got {', '.join(sorted(strange))}")
    found = os.environ.get("MMLIB_CHROMIUM") or next((path for path in map(shutil.which, CHROMIUM) if path), None)
    book = PdfWriter()
    starts: dict[str, int] = {}
    parents: dict[int, Any] = {-1: None}
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        except Error as error:
            told = str(error).splitlines()[0]
            raise FileNotFoundError(f"expected a Chromium, got {told}; next: install one, set MMLIB_CHROMIUM") from None
        page = browser.new_page()
        for name, depth in known:
            if only and name not in only:
                continue
            page.goto((html / f"{name}.html").resolve().as_uri())
            page.wait_for_function(READY)
            title = page.locator("h1").first.inner_text().rstrip("#").strip()
            printed = PdfReader(BytesIO(page.pdf(format="A4", scale=0.8, margin=MARGIN, print_background=True)))
            starts[name] = len(book.pages)
            book.append(printed, import_outline=False)
            _keep_anchors(book, printed, starts[name])
            parents[depth] = book.add_outline_item(title, starts[name], parent=parents[depth - 1])
        browser.close()
    _join_links(book, html.resolve().as_uri(), starts)
    book.add_metadata({"/Title": "Fuse, Flow, Refer"})
    target = build / f"fuse-flow-refer-{__version__}.pdf"
    packed = BytesIO()
    book.write(packed)
    replace_file(target, packed.getvalue())
    return target


def _keep_anchors(book: Any, printed: Any, start: int) -> None:
    """Let links to a place on the same page lead there, although other pages have places of the same name."""
    from pypdf.generic import ArrayObject, FloatObject, NameObject, NullObject, TextStringObject

    places = printed.named_destinations
    for page in book.pages[start:]:
        for link in page.get("/Annots", ()):
            name = link.get_object().get("/Dest")
            if isinstance(name, TextStringObject) and name in places:
                to = book.pages[start + printed.get_destination_page_number(places[name])].indirect_reference
                top = FloatObject(places[name].top or 0)
                place = [to, NameObject("/XYZ"), NullObject(), top, NullObject()]
                link.get_object()[NameObject("/Dest")] = ArrayObject(place)


def _join_links(book: Any, base: str, starts: dict[str, int]) -> None:
    """Let links to pages below the address `base` lead to where they start in the book; other local links go."""
    from pypdf.generic import ArrayObject, NameObject

    for page in book.pages:
        kept = ArrayObject()
        for link in page.get("/Annots", ()):
            action = link.get_object().get("/A", {})
            address = str(action.get("/URI", ""))
            if address.startswith("file:"):
                name = address.removeprefix(base + "/").split("#")[0].removesuffix(".html")
                if name not in starts:
                    continue
                to = book.pages[starts[name]].indirect_reference
                del link.get_object()["/A"]
                link.get_object()[NameObject("/Dest")] = ArrayObject([to, NameObject("/Fit")])
            kept.append(link)
        if "/Annots" in page:
            page[NameObject("/Annots")] = kept
