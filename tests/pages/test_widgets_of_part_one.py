"""The widgets of chapters 3 and 4 in a browser, without the built book: their scripts compute what mmlib computes."""

import numpy as np
import pytest
import torch

from mmlib.book import figures03, figures04
from mmlib.flow import warp
from mmlib.metrics import detection, fusion

pytestmark = pytest.mark.browser
MOVE = """(values) => {
  const f = document.querySelector('[data-field]');
  for (const [name, value] of Object.entries(values)) f.querySelector('[name=' + name + ']').value = value;
  f.dispatchEvent(new Event('input'));
  const c = f.querySelector('canvas'), p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  return {score: f.score, picture: [...p].filter((_, i) => i % 4 == 0)};
}"""


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert not errors


def smooth(size, seed):
    """Whole levels with some structure, (B, C, H, W)."""
    noise = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed))
    rough = torch.nn.functional.avg_pool2d(noise, 9, 1, 4)
    return ((rough - rough.min()) / (rough.max() - rough.min()) * 255).round() / 255


@pytest.fixture
def no_scenes(monkeypatch):
    def pairs(count, size, seed=0):
        return smooth(size, 1).expand(count, -1, -1, -1), smooth(size, 2)[:, :1].expand(count, -1, -1, -1)

    monkeypatch.setattr(figures03, "night_pairs", pairs)
    monkeypatch.setattr(figures03, "CHEAT_SIZE", (48, 64))


@pytest.mark.parametrize("move", [{"noise": 12, "gain": 130}, {"blur": 8, "copy": -40}, {"copy": 100}])
def test_the_browser_measures_as_mmlib_does(page, no_scenes, move):
    page.set_content(figures03.cheat().html)
    told = page.evaluate(MOVE, move)
    grey, heat, _ = figures03.cheat_pictures()
    picture = torch.tensor(told["picture"], dtype=torch.float32).view(1, 1, 48, 64) / 255
    for metric, value in fusion.evaluate(picture, grey, heat, figures03.FIVE).items():
        assert told["score"][metric] == pytest.approx(float(value), abs=1e-5), metric


def test_a_vote_ends_with_names_and_can_be_repeated(page, no_scenes, monkeypatch):
    monkeypatch.setattr(figures03, "installed", lambda name: False)
    page.set_content(figures03.vote(2, (48, 64)).html)
    for _ in range(2):
        page.locator(".mm-round:visible button").first.press("Enter")
    assert "You chose" in page.locator("output").inner_text()
    assert page.locator(".mm-end").is_visible() and page.locator(".mm-name").first.is_visible()
    assert page.locator(".mm-end tbody tr").first.locator("td").nth(1).inner_text().endswith(" of 2")
    page.get_by_text("Vote again").press("Enter")
    assert page.locator(".mm-round:visible").count() == 1 and not page.locator(".mm-end").is_visible()


def test_the_leaderboard_moves_with_the_slider(page):
    boards = {"255": {"a": 1.0, "b": 0.9}, "2": {"a": 0.1, "b": 0.2}}
    page.set_content(figures03.ranges({L: torch.rand(1, 1, 5, 6) for L in boards}, boards).html)
    page.locator("input").press("ArrowRight")
    assert "L = 2: b leads" in page.locator("output").inner_text()
    assert page.locator("li").first.inner_text().startswith("2.")


def test_the_curve_follows_a_changed_detection(page):
    page.set_content(figures03.precision_curve([1, 0, 1], 4).html)
    page.locator("button").nth(1).press("Enter")
    hits = torch.tensor([1.0, 2, 3], dtype=torch.float64)
    precision, recall = hits / torch.arange(1, 4), hits / 4
    shown = page.locator("tbody tr td").all_inner_texts()
    for text, rule in zip(shown, figures03.CURVE_RULES):
        assert text == f"{detection.average_precision(precision, recall, interpolation=rule):.4f}"


def test_a_tapped_pixel_finds_the_motion_that_was_made(page):
    now = smooth((40, 60), 5)[:, :1]
    flow = torch.zeros(1, 2, 40, 60)
    flow[:, 0], flow[:, 1] = 2.0, -1.0
    later = warp(now, -flow, padding="border").clamp(0, 1)
    page.set_content(figures04.tap(now[0], later[0], flow[0], (20, 20)).html)
    page.locator("[name=x]").press("ArrowRight")
    found = page.evaluate("document.querySelector('[data-now]').found")
    assert found["best"] == [2, -1]
    assert "true (2.0, -1.0)" in page.locator("output").inner_text()
    ix, iy = (255 * g[0, 0].numpy() for g in torch.gradient(now, dim=(3, 2)))
    it = 255 * (later - now)[0, 0].numpy()
    part = (slice(16, 25), slice(17, 26))
    system = np.stack([ix[part].ravel(), iy[part].ravel()], axis=1)
    solved = np.linalg.lstsq(system, -it[part].ravel(), rcond=None)[0]
    assert [found["u"], found["v"]] == pytest.approx(solved.tolist(), abs=0.05)  # the browser has whole levels


def test_a_tap_on_the_picture_moves_the_pixel(page):
    now = smooth((40, 60), 5)[0, :1]
    page.set_content(figures04.tap(now, now, torch.zeros(2, 40, 60), (20, 20)).html)
    box = page.locator(".mm-mark").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.5)
    assert page.locator("[name=x]").input_value() == "45" and page.locator("[name=y]").input_value() == "20"
