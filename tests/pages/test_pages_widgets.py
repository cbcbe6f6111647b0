"""The moving figures of the built pages: every one of them moves, by keyboard, by mouse and by finger."""

import json
import re

import pytest
from sizes import DESK, PHONE

pytestmark = [pytest.mark.book, pytest.mark.browser]

SHOWN = "s => [...s.children].findIndex(e => getComputedStyle(e).visibility == 'visible')"


def figures(open_page, holding, address, selector, **options):
    """Every figure of a kind on every page."""
    found = 0
    for name in holding(selector.split(":")[0].strip(".")):
        page = open_page(f"{address}/{name}", **options)
        for figure in page.locator(selector).all():
            if figure.is_visible():
                figure.scroll_into_view_if_needed()
                found += 1
                yield page, figure
    assert found, f"no {selector} in the book"


def test_the_edge_follows_the_keyboard(open_page, holding, address):
    for page, figure in figures(open_page, holding, address, ".mm-compare"):
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


def test_the_edge_follows_the_mouse(open_page, holding, address):
    for page, figure in figures(open_page, holding, address, ".mm-compare"):
        slider, box = figure.locator("input[type=range]"), figure.locator(".mm-stage").bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 0.5 * box["width"], y)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.8 * box["width"], y, steps=4)
        page.mouse.up()
        assert abs(int(slider.input_value()) - 80) <= 1
        page.mouse.move(box["x"] + 0.1 * box["width"], y)
        assert abs(int(slider.input_value()) - 80) <= 1, "it moves without a button pressed"


def test_the_edge_follows_a_finger(open_page, holding, address):
    options = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    for page, figure in figures(open_page, holding, address, ".mm-compare", **options):
        slider = figure.locator("input[type=range]")
        box = slider.bounding_box()
        assert box["height"] >= 40, "too small for a finger"
        page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
        assert int(slider.input_value()) > 80


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_frames_change_by_keyboard_and_pointer(open_page, holding, address, viewport):
    for page, figure in figures(open_page, holding, address, ".mm-frames", viewport=viewport):
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


def test_frames_hold_different_pictures(open_page, holding, address):
    for _, figure in figures(open_page, holding, address, ".mm-frames"):
        frames = figure.locator("> .mm-stage > .mm-frame").evaluate_all("all => all.map(f => f.innerHTML)")
        frames = [re.sub(r' (alt|aria-label)="[^"]*"', "", frame) for frame in frames]
        assert len(set(frames)) > len(frames) / 3, "the slider moves, but hardly anything changes"


def test_play_steps_once_where_motion_is_unwanted_and_runs_elsewhere(open_page, holding, address):
    buttons = ".mm-frames:has(button)"
    for page, figure in figures(open_page, holding, address, buttons):
        stage = figure.locator("> .mm-stage")
        before = stage.evaluate(SHOWN)
        figure.locator("button").first.press("Enter")
        after = stage.evaluate(SHOWN)
        page.wait_for_timeout(900)
        assert after != before and stage.evaluate(SHOWN) == after
    for page, figure in figures(open_page, holding, address, buttons, reduced_motion="no-preference"):
        button, stage = figure.locator("button").first, figure.locator("> .mm-stage")
        button.click()
        after = stage.evaluate(SHOWN)
        page.wait_for_timeout(900)
        assert stage.evaluate(SHOWN) != after and button.inner_text() == "Pause"
        button.click()
        assert button.inner_text() == "Play"


def test_widgets_do_not_move_each_other(open_page, holding, address):
    moved = 0
    for name in holding("mm-controls"):
        page = open_page(f"{address}/{name}")
        sliding = page.locator(".mm-controls:has(input[type=range])")
        if sliding.count() < 2:
            continue
        first = sliding.first
        own = page.locator(".mm-controls output").evaluate_all(
            "(outputs, controls) => outputs.map((output) => controls.contains(output))", first.element_handle()
        )
        before = page.locator(".mm-controls output").all_inner_texts()
        first.locator("input[type=range]").first.press("End")
        first.locator("input[type=range]").first.press("ArrowLeft")
        after = page.locator(".mm-controls output").all_inner_texts()
        assert [text for text, mine in zip(after, own) if not mine] == [
            text for text, mine in zip(before, own) if not mine
        ]
        moved += any(mine and new != old for mine, new, old in zip(own, after, before))
    assert moved, "no slider moved anything"


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_lens_follows_the_keyboard_and_a_finger(open_page, holding, address, viewport):
    options = {"viewport": viewport, "has_touch": True}
    for page, figure in figures(open_page, holding, address, ".mm-lens", **options):
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


def test_a_suspect_can_be_chosen_in_the_picture_or_by_keyboard_and_the_tables_know(open_page, holding, address):
    for page, figure in figures(open_page, holding, address, ".mm-choose"):
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


def test_a_ray_follows_mouse_and_keyboard(open_page, holding, address):
    for page, figure in figures(open_page, holding, address, ".mm-pinhole"):
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


def test_a_guess_is_answered_once(open_page, holding, address):
    for _, figure in figures(open_page, holding, address, ".mm-real-or-drawn"):
        question = figure.locator(".mm-question").first
        question.locator(f'button[data-side="{question.get_attribute("data-real")}"]').press("Enter")
        assert question.locator(".mm-said").inner_text().startswith("Yes.")
        question.locator("button").first.press("Enter")
        question.locator("button").last.press("Enter")
        assert figure.locator("output").inner_text() == "1 right of 1 answered"


def test_on_a_phone_a_verdict_stands_below_its_claim(open_page, holding, address):
    for _, table in figures(open_page, holding, address, ".mm-cards", viewport=PHONE):
        row = table.locator("tbody tr").first
        claim, verdict = row.locator("th").first, row.locator("td:visible").last
        above, below = claim.bounding_box(), verdict.bounding_box()
        assert below["y"] >= above["y"] + above["height"] - 1 and below["x"] + below["width"] <= PHONE["width"]


def test_tables_sort_by_keyboard_and_scroll_in_their_frame(open_page, holding, address):
    for _, table in figures(open_page, holding, address, ".mm-tabular", viewport=PHONE):
        scroll = table.locator(".mm-scroll")
        assert scroll.evaluate("e => e.getBoundingClientRect().right <= innerWidth + 1")
        if not table.locator("th button").count():
            continue
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
