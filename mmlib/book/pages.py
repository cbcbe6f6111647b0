"""Stage the pages beside the executed chapters and build the HTML, warnings as errors."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from mmlib.book import real
from mmlib.files import ROOT, locked
from mmlib.notebooks import chapters


def stage(build: Path) -> Path:
    """A fresh ``build/stage`` that mirrors the project: config, toc, book/, executed nbs/, MathJax."""
    folder = build / "stage"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "nbs").mkdir(parents=True)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, folder / name)
    left_out = [".*", "__pycache__", *([] if real.allowed() else ["real"])]
    shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns(*left_out))
    shutil.copytree(build / "vendor" / "mathjax", folder / "vendor" / "mathjax")
    for chapter in chapters():
        shutil.copy(build / "nbs" / chapter.name, folder / "nbs" / chapter.name)
    draw(folder / "book")
    return folder


DRAWN = (
    ("intro.md", "<!-- the lens is drawn here -->", "front", "lens_html"),
    ("intro.md", "<!-- five claims are drawn here -->", "front", "claims_html"),
    ("ledger.md", "<!-- the poster is drawn here -->", "poster", "poster_html"),
    ("ledger.md", "<!-- the ledger is drawn here -->", "ledger", "ledger_html"),
    ("ledger.md", "<!-- the example is drawn here -->", "poster", "example_html"),
    ("five_minutes.md", "<!-- the times are drawn here -->", "checks", "times_html"),
    ("five_minutes.md", "<!-- the rival's row is drawn here -->", "checks", "rival_html"),
    ("training_at_scale.md", "<!-- the speed of training is drawn here -->", "speed", "speed_html"),
    ("how_made.md", "<!-- the runs made again are drawn here -->", "reruns", "reruns_html"),
)
"""What is drawn from scenes and records: the page, its mark there, and the module of mmlib.book and function for it."""


def draw(book: Path) -> None:
    """Put what is drawn into its staged pages; a book without such a page or mark has none."""
    for name, mark, module, function in DRAWN:
        page = book / name
        if page.exists() and mark in page.read_text(encoding="utf-8"):
            html = getattr(import_module(f"mmlib.book.{module}"), function)()
            put(page, mark, html)


def put(page: Path, mark: str, html: str) -> None:
    """Put HTML into a staged Markdown page, in the place of the mark. ValueError: the page has no mark."""
    text = page.read_text(encoding="utf-8")
    if mark not in text:
        raise ValueError(f"{page}: expected the line {mark!r}, there is none; next: put it where the drawing belongs")
    block = "```{raw} html\n" + html + "\n```"
    page.write_text(text.replace(mark, block), encoding="utf-8")


def build(build: Path) -> Path:
    """Build ``build/html`` from the executed chapters; the old pages stay until the new ones are whole.

    Raises:
        RuntimeError: Sphinx warned or failed; the message names the log.
    """
    # Pages whose builder was killed may still be under way: they must end before these write the same folders.
    with locked(build / ".pages.lock") as lock:
        return _build(build, lock)


def _build(build: Path, lock: int) -> Path:
    folder, output, log = stage(build), build / "sphinx", build / "log" / "pages.log"
    shutil.rmtree(output, ignore_errors=True)  # an incremental build misses changed styles and scripts
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        str(folder),
        "--path-output",
        str(output),
        "-W",
        "-n",
        "--keep-going",
        "-q",
    ]
    with open(log, "w", encoding="utf-8") as file:
        status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, pass_fds=[lock]).returncode
    if status:
        tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-40:])
        raise RuntimeError(f"the pages were not built; the whole log: {log}\n{tail}")
    html, old = build / "html", build / "html.old"
    shutil.rmtree(old, ignore_errors=True)
    if html.exists():
        html.replace(old)
    made = output / "_build" / "html"
    # The front door only forwards; with a mark of its own, browsers do not ask the server for a favicon it lacks.
    door = made / "index.html"
    door.write_text('<link rel="icon" href="_static/logo.svg">\n' + door.read_text(encoding="utf-8"), encoding="utf-8")
    made.replace(html)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(output, ignore_errors=True)
    (html / ".complete").write_text("built\n")
    return html
