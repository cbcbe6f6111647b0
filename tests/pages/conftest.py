"""Fixtures for tests that look at the built pages with a real browser."""

import contextlib
import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest
from sizes import DESK

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]


def _absent(reason: str) -> None:
    """Skip; but fail where a browser was promised (MMLIB_REQUIRE_BROWSER=1), so that CI cannot pass without one."""
    if os.environ.get("MMLIB_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium: $MMLIB_CHROMIUM, or one on the path, or Playwright's own."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _absent("playwright is not installed")
    found = os.environ.get("MMLIB_CHROMIUM") or next((p for p in map(shutil.which, NAMES) if p), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except Error as error:
            _absent(f"no Chromium: install it, or set MMLIB_CHROMIUM ({str(error).splitlines()[0]})")
        yield browser
        browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def copyfile(self, source: object, target: object) -> None:
        """Send a file; a page that was left before it arrived is no error."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            super().copyfile(source, target)


@pytest.fixture(scope="session")
def address(built_book: Path):
    """The book served on this machine: ``http://127.0.0.1:PORT``."""
    handler = functools.partial(_Quiet, directory=str(built_book))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="session")
def pages(built_book: Path) -> list[str]:
    """Every page of the book's text, relative to its root."""
    found = sorted(p.relative_to(built_book).as_posix() for p in built_book.rglob("*.html"))
    return [p for p in found if not p.startswith("_") and p not in ("genindex.html", "search.html", "index.html")]


@pytest.fixture(scope="session")
def holding(built_book: Path, pages: list[str]):
    """A function: the pages whose HTML holds some text. Only those are worth opening."""
    text = {name: (built_book / name).read_text(encoding="utf-8") for name in pages}
    return lambda wanted: [name for name in pages if wanted in text[name]]


@pytest.fixture
def open_page(browser):
    """A function that opens a URL in a fresh window (``viewport``, ``color_scheme``, ...) once its formulas are set."""
    contexts = []

    def opened(url: str, **options: object):
        context = browser.new_context(**({"viewport": DESK, "reduced_motion": "reduce"} | options))
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        page.wait_for_function("!window.MathJax?.startup?.promise || MathJax.startup.promise.then(() => true)")
        return page

    yield opened
    for context in contexts:
        context.close()
