"""The moving figures of the built pages: every one of them moves, by keyboard, by mouse and by finger."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Error
from sizes import DESK, PHONE

pytestmark = [pytest.mark.book, pytest.mark.browser]

SHOWN = "s => [...s.children].findIndex(e => getComputedStyle(e).visibility == 'visible')"
FORMULAS_ARE_SET = "!window.MathJax?.startup?.promise || MathJax.startup.promise.then(() => true)"
WINDOWS = {
    "desk": {"viewport": DESK},
    "phone": {"viewport": PHONE},
    "finger": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
    "desk with a finger": {"viewport": DESK, "has_touch": True},
    "phone with a finger": {"viewport": PHONE, "has_touch": True},
}


@dataclass
class Check:
    """What is tried on every visible figure of a kind, and what came of it."""

    window: str
    selector: str
    try_on: Callable
    scroll: bool
    found: int = 0
    wrong: Exception | None = None

    @property
    def word(self) -> str:
        """What a page with such a figure holds."""
        return re.search(r"mm-[\w-]+", self.selector)[0]

    def run(self, page, name: str) -> None:
        """Try it on the figures of one page, until something is wrong; a figure that has nothing to try says False."""
        try:
            for figure in page.locator(self.selector).all():
                if figure.is_visible():
                    if self.scroll:
                        figure.scroll_into_view_if_needed()
                    self.found += self.try_on(page, figure) is not False
        except (AssertionError, Error) as error:
            error.add_note(f"on the page {name}")
            self.wrong = error


CHECKS: list[Check] = []


def on_each(selector: str, *windows: str, scroll: bool = True) -> Callable:
    """Try the function below on each figure of a kind, in these windows.

    scroll: bring the figure into view first. What only the keyboard or a script touches doesn't need it.
    """

    def keep(try_on: Callable) -> Callable:
        CHECKS.extend(Check(window, selector, try_on, scroll) for window in windows)
        return try_on

    return keep


@pytest.fixture(scope="module")
def looked_at(browser, holding, address) -> Callable[[str], None]:
    """A function: run all checks of a window, once. It opens each page once, which takes longer than the checks."""
    done = set()

    def look(window: str) -> None:
        if window in done:
            return
        done.add(window)
        checks = [check for check in CHECKS if check.window == window]
        pages = {check.word: holding(check.word) for check in checks}
        context = browser.new_context(reduced_motion="reduce", **WINDOWS[window])
        page = context.new_page()
        for name in sorted(set().union(*pages.values())):
            page.goto(f"{address}/{name}")
            page.wait_for_function(FORMULAS_ARE_SET)
            for check in checks:
                if name in pages[check.word] and check.wrong is None:
                    check.run(page, name)
        context.close()

    return look


# ---------------------------------------------------------------------------------------------------------------------
# The checks of a window, in the order in which they are run on a page


@on_each("body:has(.mm-controls)", "desk", scroll=False)
def widgets_do_not_move_each_other(page, _):
    sliding = page.locator(".mm-controls:has(input[type=range])")
    if sliding.count() < 2:
        return False
    first = sliding.first
    own = page.locator(".mm-controls output").evaluate_all(
        "(outputs, controls) => outputs.map((output) => controls.contains(output))", first.element_handle()
    )
    before = page.locator(".mm-controls output").all_inner_texts()
    first.locator("input[type=range]").first.press("End")
    first.locator("input[type=range]").first.press("ArrowLeft")
    after = page.locator(".mm-controls output").all_inner_texts()
    assert [text for text, mine in zip(after, own) if not mine] == [text for text, mine in zip(before, own) if not mine]
    return any(mine and new != old for mine, new, old in zip(own, after, before))


@on_each(".mm-compare", "desk")
def the_edge_follows_the_keyboard(page, figure):
    slider, stage = figure.locator("input[type=range]"), figure.locator(".mm-stage")
    slider.focus()
    page.keyboard.press("Home")
    left, said = stage.screenshot(), figure.locator("output").inner_text()
    page.keyboard.press("End")
    assert stage.screenshot() != left, "the picture stays the same"
    assert figure.locator("output").inner_text() != said and said.startswith("0 %")
    page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == figure.locator("output").inner_text()
    assert figure.locator("output").inner_text().startswith("99 %")
    assert slider.evaluate("e => getComputedStyle(e).outlineStyle") != "none", "the focus cannot be seen"


@on_each(".mm-compare", "desk")
def the_edge_follows_the_mouse(page, figure):
    slider, box = figure.locator("input[type=range]"), figure.locator(".mm-stage").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], y, steps=4)
    page.mouse.up()
    assert abs(int(slider.input_value()) - 80) <= 1
    page.mouse.move(box["x"] + 0.1 * box["width"], y)
    assert abs(int(slider.input_value()) - 80) <= 1, "it moves without a button pressed"


@on_each(".mm-compare", "finger")
def the_edge_follows_a_finger(page, figure):
    slider = figure.locator("input[type=range]")
    box = slider.bounding_box()
    assert box["height"] >= 40, "too small for a finger"
    page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    assert int(slider.input_value()) > 80


@on_each(".mm-frames", "desk", "phone")
def frames_change_by_keyboard_and_pointer(page, figure):
    slider, stage = figure.locator("input[type=range]").first, figure.locator("> .mm-stage")
    last = int(slider.get_attribute("max"))
    slider.focus()
    page.keyboard.press("Home")
    assert stage.evaluate(SHOWN) == 0
    first = figure.locator("output").first.inner_text()
    page.keyboard.press("End")
    assert stage.evaluate(SHOWN) == last
    assert figure.locator("output").first.inner_text() != first
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    assert stage.evaluate(SHOWN) == 0


@on_each(".mm-frames", "desk", scroll=False)
def frames_hold_different_pictures(_, figure):
    frames = figure.locator("> .mm-stage > .mm-frame").evaluate_all("all => all.map(f => f.innerHTML)")
    frames = [re.sub(r' (alt|aria-label)="[^"]*"', "", frame) for frame in frames]
    assert len(set(frames)) > len(frames) / 3, "the slider moves, but hardly anything changes"


@on_each("body:has(.mm-frames button)", "desk", scroll=False)
def play_steps_once_where_motion_is_unwanted_and_runs_elsewhere(page, _):
    """All figures of a page at once, which then wait together."""
    figures = [figure for figure in page.locator(".mm-frames:has(button)").all() if figure.is_visible()]
    buttons = [figure.locator("button").first for figure in figures]
    stages = [figure.locator("> .mm-stage") for figure in figures]
    shown = []
    for button, stage in zip(buttons, stages):
        before = stage.evaluate(SHOWN)
        button.press("Enter")
        shown.append(stage.evaluate(SHOWN))
        assert shown[-1] != before
    page.wait_for_timeout(900)
    assert [stage.evaluate(SHOWN) for stage in stages] == shown, "it goes on"
    page.emulate_media(reduced_motion="no-preference")
    for button, stage in zip(buttons, stages):
        button.click()
        after = stage.evaluate(SHOWN)
        page.wait_for_timeout(900)
        assert stage.evaluate(SHOWN) != after and button.inner_text() == "Pause"
        button.click()
        assert button.inner_text() == "Play"
    page.emulate_media(reduced_motion="reduce")
    return bool(figures)


@on_each(".mm-choose", "desk")
def a_suspect_can_be_chosen_in_the_picture_or_by_keyboard_and_the_tables_know(page, figure):
    named = figure.locator(".mm-controls button")
    named.nth(1).press("Enter")
    group = figure.get_attribute("data-group")
    marks = page.locator(f'.mm-mine[data-group="{group}"]')
    shown = marks.evaluate_all("all => all.filter(e => !e.hidden).map(e => e.dataset.k)")
    assert shown and set(shown) == {"1"}
    figure.locator(".mm-stage button").nth(0).click(force=True)
    assert named.nth(0).get_attribute("aria-pressed") == "true"
    assert figure.locator("output").inner_text() == json.loads(figure.get_attribute("data-notes"))[0]
    box = figure.locator(".mm-stage").bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + 3)
    assert figure.locator("output").inner_text() == figure.locator(".mm-stage").get_attribute("data-miss")


@on_each(".mm-pinhole", "desk")
def a_ray_follows_mouse_and_keyboard(page, figure):
    said, box = figure.locator("output"), figure.locator(".mm-stage").bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.9 * box["height"])
    near = said.inner_text()
    assert near.startswith("road, ") and "K (" in near
    for k in range(5):
        figure.locator("input").nth(k).focus()
        before = said.inner_text()
        page.keyboard.press("Home")
        assert said.inner_text() != before, "a slider changes nothing"
        page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.9 * box["height"])


@on_each(".mm-real-or-drawn", "desk")
def a_guess_is_answered_once(_, figure):
    question = figure.locator(".mm-question").first
    question.locator(f'button[data-side="{question.get_attribute("data-real")}"]').press("Enter")
    assert question.locator(".mm-said").inner_text().startswith("Yes.")
    question.locator("button").first.press("Enter")
    question.locator("button").last.press("Enter")
    assert figure.locator("output").inner_text() == "1 right of 1 answered"


@on_each(".mm-lens", "desk with a finger", "phone with a finger")
def a_lens_follows_the_keyboard_and_a_finger(page, figure):
    stage, said = figure.locator(".mm-stage"), figure.locator("output")
    across, down = figure.locator("input").all()
    before = stage.screenshot()
    across.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert across.get_attribute("aria-valuetext") == "99 %" and stage.screenshot() != before
    heat = stage.screenshot()
    figure.locator("button").nth(1).press("Enter")
    assert stage.screenshot() != heat, "another sense shows something else"
    assert said.inner_text() == f"The lens shows {figure.locator('button').nth(1).inner_text()}."
    left, top, right, bottom = json.loads(figure.get_attribute("data-target"))
    box = stage.bounding_box()
    x, y = (left + right) / 200 * box["width"], (top + bottom) / 200 * box["height"]
    page.touchscreen.tap(box["x"] + x, box["y"] + y)
    page.wait_for_timeout(100)
    assert said.inner_text() == figure.get_attribute("data-found")
    assert abs(int(down.input_value()) - (top + bottom) / 2) <= 2


@on_each(".mm-cards", "phone", scroll=False)
def a_verdict_stands_below_its_claim(_, table):
    row = table.locator("tbody tr").first
    claim, verdict = row.locator("th").first, row.locator("td:visible").last
    above, below = claim.bounding_box(), verdict.bounding_box()
    assert below["y"] >= above["y"] + above["height"] - 1 and below["x"] + below["width"] <= PHONE["width"]


@on_each(".mm-tabular", "phone", scroll=False)
def tables_sort_by_keyboard_and_scroll_in_their_frame(_, table):
    scroll = table.locator(".mm-scroll")
    assert scroll.evaluate("e => e.getBoundingClientRect().right <= innerWidth + 1")
    if not table.locator("th button").count():
        return
    buttons = table.locator("thead tr").last.locator("button")
    last = buttons.count() - 1
    buttons.nth(last).press("Enter")
    assert table.locator("[aria-sort]").get_attribute("aria-sort") == "descending"
    column = f"t => [...t.tBodies[0].rows].map(r => r.cells[{last}].dataset.v).filter(v => v)"
    values = [float(v) for v in table.locator("table").evaluate(column)]
    assert values == sorted(values, reverse=True)
    buttons.nth(last).press("Enter")
    values = [float(v) for v in table.locator("table").evaluate(column)]
    assert values == sorted(values)


# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.window}: {check.try_on.__name__}")
def test_every_widget_does_what_it_should(looked_at, check):
    looked_at(check.window)
    if check.wrong:
        raise check.wrong
    assert check.found, f"no {check.selector} in the book, or none that could be tried"
