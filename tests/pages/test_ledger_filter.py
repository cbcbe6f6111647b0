"""The ledger's filter and its cards, in a real browser, without a server or a kernel."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ledger_toy import direction, grid, papers, write  # noqa: E402

from mmlib.book.ledger import ledger_html  # noqa: E402

pytestmark = pytest.mark.browser
SHOWN = "[...document.querySelectorAll('[data-verdict]')].filter(e => !e.hidden).map(e => e.dataset)"


@pytest.fixture
def open_ledger(browser, root, tmp_path):
    """A function that opens a judged ledger alone on a page, with the book's style sheet, in a window of some width."""
    longer = direction(id="other", a="zeroed", statement="A claim that nobody has run.", headline=False)
    more = direction(id="more", a="plain", b="flow", statement="Plain beats flow.", headline=False)
    html = ledger_html(*write(tmp_path, papers(direction(), more, longer), grid(flow=0.61, plain=0.51, shuffled=0.51)))
    style = (root / "book" / "assets" / "book.css").read_text()
    contexts = []

    def opened(width: int):
        contexts.append(browser.new_context(viewport={"width": width, "height": 740}))
        page = contexts[-1].new_page()
        head = f"<head><title>ledger</title><style>{style}</style></head>"
        page.set_content(f'<!doctype html><html lang=en>{head}<body><div class="bd-content">{html}</div></body></html>')
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_ledger):
    """The ledger on a phone."""
    return open_ledger(390)


def counted(page) -> int:
    """The number that the filter says."""
    return int(page.inner_text("output").split()[0])


def test_choosing_a_paper_leaves_its_rows_and_opens_their_fold(page):
    everything = counted(page)
    assert everything == len(page.evaluate(SHOWN)) == 5, "two judged claims, a value, one that waits, and a note"
    assert not page.locator("details.mm-fold:has([data-verdict])").first.evaluate("fold => fold.open")
    page.select_option("[name=paper]", "toy")
    shown = page.evaluate(SHOWN)
    assert counted(page) == len(shown) == 4 and {row["paper"] for row in shown} == {"toy"}
    assert page.locator("details.mm-fold:has([data-verdict])").first.evaluate("fold => fold.open")
    page.select_option("[name=paper]", "dead")
    assert counted(page) == 1 and page.get_by_text("is being measured").is_visible()
    page.select_option("[name=paper]", "")
    assert counted(page) == everything


def test_verdicts_and_words_narrow_it_down(page):
    page.select_option("[name=verdict]", "holds")
    assert [row["verdict"] for row in page.evaluate(SHOWN)] == ["holds"]
    assert page.locator(".mm-rows:visible").count() == 1, "tables without an answer are hidden with their title"
    page.select_option("[name=verdict]", "")
    page.fill("[name=word]", "0 OF 10 SEEDS")
    assert [row["verdict"] for row in page.evaluate(SHOWN)] == ["not attempted"], "reasons count, and case does not"
    page.fill("[name=word]", "no such word")
    assert page.inner_text("output") == "0 rows" and not page.evaluate(SHOWN)


def test_the_keyboard_reaches_everything(page):
    page.locator("[name=paper]").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("[name=paper]").input_value() and counted(page) == len(page.evaluate(SHOWN))
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("x")
    assert page.locator("[name=word]").input_value() == "x"
    page.fill("[name=word]", "")
    page.select_option("[name=paper]", "")
    fold = page.locator("details.mm-fold").first
    fold.locator("> summary").focus()
    page.keyboard.press("Enter")
    assert fold.get_attribute("open") is not None


@pytest.mark.parametrize("width", [360, 390, 550, 768, 1280])
def test_nothing_is_wider_than_the_window_and_no_interval_is_cut(open_ledger, width):
    page = open_ledger(width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    intervals = page.locator(".mm-interval").all()
    assert len(intervals) == 6, "means and intervals"
    for interval in intervals:
        place = interval.bounding_box()
        frame = interval.locator("xpath=ancestor::*[contains(@class, 'mm-scroll')]").bounding_box()
        assert place["x"] + place["width"] <= frame["x"] + frame["width"] + 0.5, interval.inner_text()
        assert place["height"] < 30, "on one line"
