"""The ledger's filter, used with the keyboard in a real browser, without a server or a kernel."""

import pytest

from mmlib.book.ledger import ledger_html
from mmlib.claims import judge, load, names

pytestmark = pytest.mark.browser
SHOWN = "[...document.querySelectorAll('[data-verdict]')].filter(e => !e.closest('tr, li').hidden).map(e => e.dataset)"


@pytest.fixture
def page(browser):
    """The ledger alone on a page of a phone's size."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.set_content(f"<!doctype html><html lang=en><body>{ledger_html()}</body></html>")
    yield page
    context.close()


def counted(page) -> int:
    """The number that the filter says."""
    return int(page.inner_text("output").split()[0])


def test_choosing_a_paper_leaves_its_rows_and_opens_their_fold(page):
    everything = counted(page)
    assert everything == len(page.evaluate(SHOWN)) > 20
    page.select_option("[name=paper]", "segmif")
    shown = page.evaluate(SHOWN)
    assert 0 < counted(page) == len(shown) < everything and {row["paper"] for row in shown} == {"segmif"}
    folds = page.locator("details.mm-fold:has([data-verdict])")
    assert [fold.is_visible() for fold in folds.all()].count(True) == 1
    page.select_option("[name=paper]", "")
    assert counted(page) == everything


def test_verdicts_and_words_narrow_it_down(page):
    unverified = {key for key in names() for j in judge(load(key)) if j.verdict.word == "unverified source"}
    page.select_option("[name=verdict]", "unverified source")
    assert {row["paper"] for row in page.evaluate(SHOWN)} == unverified
    page.select_option("[name=verdict]", "")
    page.fill("[name=word]", "CITYSCAPES")
    shown = page.evaluate(SHOWN)
    assert shown and {row["paper"] for row in shown} == {"flow2seg", "fusenet_ris"}, "reasons count, and case does not"
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


def test_nothing_is_wider_than_a_phone(page):
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
