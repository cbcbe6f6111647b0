"""The built pages in a real browser: they load nothing from elsewhere, fit a phone, and can be read day and night."""

import re
from collections.abc import Iterator
from itertools import cycle
from urllib.parse import urlsplit

import pytest
import yaml
from sizes import DESK, PHONE

pytestmark = [pytest.mark.book, pytest.mark.browser]

# Text that is darker or lighter than its ground by less than 4.5 to 1, each as "colour on colour: text".
FAINT = """
() => {
  const parse = c => { const n = c.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n.slice(0, 3), 1] : n };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const ground = e => {
    const own = e ? parse(getComputedStyle(e).backgroundColor) : [255, 255, 255, 1];
    return own[3] === 1 ? own : over(own, ground(e.parentElement));
  };
  const light = c => {
    const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const texts = document.querySelectorAll(
    ['.mm-figure', '.mm-tabular', '.mm-legend', '.mm-hints'].map(s => `${s}, ${s} *`).join() +
    ', article p, article li, article h1, article h2, article h3, article td, article th, article summary, ' +
    '.cell_output pre, .admonition-title');
  const faint = [];
  for (const e of texts) {
    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
    if (!text || !e.checkVisibility({checkVisibilityCSS: true})) continue;
    const under = ground(e), ink = over(parse(getComputedStyle(e).color), under);
    const [low, high] = [light(ink), light(under)].sort((a, b) => a - b);
    const ratio = (high + .05) / (low + .05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(1)}: ${text.slice(0, 40)}`);
  }
  return faint;
}
"""
# What sticks out of the window to the right, to name the culprit.
WIDE = """
() => [...document.querySelectorAll('article *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5).map(e => `${e.tagName}.${e.className}`)
"""


BARE = """
() => [...document.querySelectorAll('img')].filter(e => !e.alt.trim())
  .concat([...document.querySelectorAll('article svg')].filter(e => !e.closest('[aria-label],[aria-hidden],button')))
  .map(e => e.outerHTML.slice(0, 120))
"""
PLOTS = """
() => [...document.querySelectorAll('.mm-plot')]
  .map(f => [...f.querySelectorAll('img')].filter(e => e.checkVisibility()).map(e => e.className))
"""
UNWRITTEN = ["index.html", "search.html", "genindex.html"]
"""Pages without a text of ours: they must load."""
LOOKS = {
    "theme": "document.documentElement.dataset.theme",
    "filters": "[...document.querySelectorAll('img.mm-picture')].map(e => getComputedStyle(e).filter)",
    "plots": PLOTS,
    "bare": BARE,
    "raw": "[...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container')).length",
    "set": "document.querySelectorAll('mjx-container:not(:has(mjx-merror))').length",
    "wrong": "document.querySelectorAll('mjx-merror').length",
    "links": "[...document.querySelectorAll('a[href]')].map(e => e.href)",
}
# What is cut off or sticks out on paper, and what of the screen's furniture is still there.
ON_PAPER = """
() => {
  const edge = document.querySelector('article').getBoundingClientRect().right + 1;
  const cut = [...document.querySelectorAll('article pre, article .mm-scroll')].filter(e => e.checkVisibility()
    && (e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > edge));
  const left = [...document.querySelectorAll('.bd-sidebar-primary, .bd-header-article, .mm-filter, .copybtn')]
    .filter(e => e.checkVisibility());
  return [...cut, ...left].map(e => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 60)}`);
}
"""
PAPER = {"width": 700, "height": 990}
FORMULAS_ARE_SET = "!window.MathJax?.startup?.promise || MathJax.startup.promise.then(() => true)"


@pytest.fixture(scope="module", params=["light", "dark"])
def seen(request, browser, pages, address) -> tuple[str, dict[str, dict], list[str]]:
    """A scheme, and what every page shows in it: all pages are visited once, and the tests below ask what was seen."""
    context = browser.new_context(viewport=DESK, reduced_motion="reduce", color_scheme=request.param)
    wrong, found = [], {}
    for page, name in _in_turns(context, [*pages, *UNWRITTEN], wrong, address):
        page.goto(f"{address}/{name}")
        if name in pages:
            page.wait_for_function(FORMULAS_ARE_SET)
            found[name] = {what: page.evaluate(script) for what, script in LOOKS.items()}
            _unfold(page)
            found[name]["faint"] = page.evaluate(FAINT)
    context.close()
    return request.param, found, wrong


@pytest.fixture(scope="module")
def narrow(browser, pages, built_book) -> tuple[dict[str, list[str]], dict[tuple[str, int], list[str]], list[str]]:
    """What is wrong with each page on paper and, by its width, in a phone's window; and the browser's complaints.

    The pages are opened from the disk, as they are by somebody who has taken the book along.
    """
    context = browser.new_context(viewport=PHONE, reduced_motion="reduce")
    wrong, cut, wide = [], {}, {}
    for page, name in _in_turns(context, [*pages, *UNWRITTEN], wrong):
        page.goto(f"{built_book.as_uri()}/{name}")
        if name in pages:
            page.wait_for_function(FORMULAS_ARE_SET)
            page.emulate_media(media="print")
            page.set_viewport_size(PAPER)
            cut[name] = page.evaluate(ON_PAPER)
            page.emulate_media(media="screen")
            _unfold(page)
            for width in (390, 360):
                page.set_viewport_size(PHONE | {"width": width})
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    wide[name, width] = page.evaluate(WIDE)
    context.close()
    return cut, wide, wrong


@pytest.fixture(scope="module")
def repository(root) -> dict:
    """Where the book lives, from the one place that knows."""
    return yaml.safe_load((root / "_config.yml").read_text())["repository"]


def _in_turns(context, names: list[str], wrong: list[str], address: str = "file:") -> Iterator[tuple]:
    """Each name with the tab to open it in; `wrong` grows by what goes wrong there.

    A page is left only when it asks for nothing any more, which takes half a second to know. There are two tabs, so
    that one can fall quiet while the other is looked at.
    """
    tabs = [context.new_page(), context.new_page()]
    for tab in tabs:
        _listen(tab, wrong, address)
    for tab, name in zip(cycle(tabs), names):
        tab.wait_for_load_state("networkidle")
        yield tab, name
    for tab in tabs:
        tab.wait_for_load_state("networkidle")


def _listen(page, wrong: list[str], address: str) -> None:
    """Let a list grow by what goes wrong on a page, and by whatever it asks of others."""

    def say(what: str) -> None:
        wrong.append(f"{page.url}: {what}")

    page.on("console", lambda m: say(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda e: say(f"script: {e}"))
    page.on("requestfailed", lambda r: say(f"{r.failure}: {r.url[:100]}") if _lost(r) else None)
    page.on("response", lambda r: say(f"{r.status}: {r.url}") if r.status >= 400 else None)
    page.on("request", lambda r: say(f"outside: {r.url}") if _outside(r.url, address) else None)


def _lost(request) -> bool:
    """Whether a request failed for another reason than that the reader turned the page."""
    return "ERR_ABORTED" not in (request.failure or "")


def _outside(url: str, address: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme in ("data", "blob", "about", "file"):
        return False
    return not url.startswith(address + "/")


def _unfold(page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


def test_pages_load_without_errors_and_ask_nobody_else(seen):
    assert not seen[2][:5]


def test_pages_load_from_the_disk_without_errors_and_ask_nobody_else(narrow):
    assert not narrow[2][:5]


def test_nothing_scrolls_sideways_on_a_phone(narrow):
    assert not narrow[1]


def test_on_paper_no_line_of_code_is_cut_off_and_the_furniture_is_gone(narrow):
    cut = narrow[0]
    assert cut and not {name: found[:3] for name, found in cut.items() if found}


def test_text_can_be_read_by_day_and_by_night(seen):
    scheme, found, _ = seen
    assert {page["theme"] for page in found.values()} == {scheme}
    assert not {name: page["faint"][:5] for name, page in found.items() if page["faint"]}


def test_pictures_keep_their_pixels_and_plots_their_theme(seen):
    scheme, found, _ = seen
    for name, page in found.items():
        assert set(page["filters"]) <= {"none"}, f"{name}: the theme dims {page['filters']}"
        shown = page["plots"]
        assert all(len(plot) == 1 and f"only-{scheme}" in plot[0] for plot in shown), f"{name}: {shown}"
    assert all(sum(len(page[what]) for page in found.values()) for what in ("filters", "plots"))


def test_every_picture_has_words(seen):
    assert not {name: page["bare"] for name, page in seen[1].items() if page["bare"]}


def test_formulas_are_set(seen):
    for name, page in seen[1].items():
        assert page["raw"] == 0, f"{name}: {page['raw']} formulas are still TeX"
        assert page["wrong"] == 0, f"{name}: a formula has an error"
    assert sum(page["set"] for page in seen[1].values())


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search_finds(open_page, address, built_book, scheme):
    start = address if scheme == "http" else built_book.as_uri()
    page = open_page(f"{start}/search.html?q=infrared")
    page.wait_for_selector("#search-results ul.search li a")
    assert page.locator("#search-results ul.search li").count() >= 1


def test_chapters_can_be_taken_away(seen, address, built_book, repository):
    chapters = [name for name in seen[1] if name.startswith("nbs/")]
    assert chapters
    match = re.fullmatch(r"https://github\.com/([^/]+/[^/]+)", repository["url"])
    for name in chapters:
        source = name.replace(".html", ".ipynb")
        links = seen[1][name]["links"]
        colab = f"https://colab.research.google.com/github/{match[1]}/blob/{repository['branch']}/{source}"
        assert colab in links and repository["url"] in links
        downloads = [link for link in links if link.startswith(address) and link.endswith(".ipynb")]
        assert downloads and (built_book / downloads[0].removeprefix(address + "/")).is_file()


def test_code_can_be_copied(open_page, pages, address):
    name = next(name for name in pages if name.startswith("nbs/"))
    page = open_page(f"{address}/{name}", permissions=["clipboard-read", "clipboard-write"], viewport=DESK)
    blocks = page.locator("div.highlight:has(button.copybtn):visible")
    assert blocks.count() == page.locator("div.highlight:visible").count() > 0
    blocks.first.hover()
    blocks.first.locator("button.copybtn").click()
    assert page.evaluate("navigator.clipboard.readText()").strip() == blocks.first.locator("pre").inner_text().strip()
