"""The moving figures, without a browser: what they are made of. Whether they move is tested on the built pages."""

import re

import pytest
import torch

from mmlib import show


def flat(value, H=6, W=12):
    return torch.full((3, H, W), float(value))


def test_compare_holds_both_pictures_under_one_edge():
    made = show.compare(flat(0), flat(1), alt="a street", labels=("visible", "infrared"), caption="Swipe.")
    assert made.html.count("<img") == 2 and made.html.count("clip-path:inset(0 0 0 var(--mm-cut,50%))") == 1
    assert 'type="range"' in made.html and 'aria-valuetext="50 % visible, 50 % infrared"' in made.html
    assert 'alt="visible: a street"' in made.html and 'alt="infrared: a street"' in made.html


def test_compare_needs_two_pictures_of_one_size():
    with pytest.raises(ValueError, match="one size"):
        show.compare(flat(0), flat(0, W=13), alt="x")


def test_one_frame_shows_at_a_time_and_is_named():
    made = show.frames([flat(k / 2) for k in range(3)], alt="light", names=["night", "dusk", "day"], start=1)
    assert re.findall(r"visibility:(\w+)\"", made.html) == ["hidden", "inherit", "hidden"]
    assert ">dusk</output>" in made.html and 'max="2"' in made.html and 'value="1"' in made.html
    assert "<button" not in made.html
    assert "<button" in show.frames([flat(0)], alt="x", names=["a"], play=True).html


def test_a_frame_may_be_a_picture_a_grid_or_a_figure():
    made = show.frames(
        [flat(0), [(flat(0), "rgb"), (flat(1), "ir")], show.plot(lambda ax: None, alt="empty")], alt="x", names="abc"
    )
    assert made.html.count('mm-frame"') == 3 and "mm-grid" in made.html and "mm-plot" in made.html


@pytest.mark.parametrize(
    "arguments",
    [{"items": [], "names": []}, {"items": [flat(0)], "names": []}, {"items": [flat(0)], "names": "a", "start": 1}],
)
def test_wrong_frames_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        show.frames(alt="x", **arguments)


def test_moving_figures_need_no_ids_and_leave_no_names():
    both = show.compare(flat(0), flat(1), alt="x").html + show.frames([flat(0)], alt="x", names=["a"], play=True).html
    assert " id=" not in both and "<script" not in both and "window." not in both
    assert "http" not in both


def test_explore_is_frames_in_the_book(monkeypatch):
    monkeypatch.setenv("MMLIB_STATIC", "1")
    asked = []

    def draw(value):
        asked.append(value)
        return flat(value)

    made = show.explore(draw, "gain", [0.0, 0.5, 1.0], alt="a ramp", format=lambda v: f"{v:.1f}")
    assert asked == [0.0, 0.5, 1.0]
    assert ">gain = 0.5</output>" in made.html


def test_explore_asks_again_at_each_move_with_a_kernel(monkeypatch):
    monkeypatch.delenv("MMLIB_STATIC", raising=False)
    asked = []

    def draw(value):
        asked.append(value)
        return [(flat(value), "left"), (flat(1 - value), "right")]

    box = show.explore(draw, "gain", [0.0, 0.5, 1.0], alt="a ramp", start=0)
    picture, slider = box.children
    before = picture.value
    slider.index = 2
    assert asked == [0.0, 1.0] and picture.value != before and "gain = 1.0" in picture.value


def test_a_slider_is_as_wide_as_its_pictures():
    assert "max-width:400px" in show.frames([flat(0, W=400)], alt="x", names=["a"]).html
    assert "max-width:120px" in show.frames([flat(0)], alt="x", names=["a"], width=120).html


def test_explore_needs_values():
    with pytest.raises(ValueError, match="at least one value"):
        show.explore(flat, "v", [], alt="x")
