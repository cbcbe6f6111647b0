"""Pictures, tables and text: what every figure of the book promises."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from mmlib import show
from mmlib.show.pixels import LIMIT, encode, to_uint8
from mmlib.show.plots import DARK, INK, LIGHT

PALETTE = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=torch.uint8)


def photo(H=24, W=48, seed=0):
    return torch.rand(3, H, W, generator=torch.Generator().manual_seed(seed))


def decode(html: str) -> list[Image.Image]:
    uris = re.findall(r'src="data:image/(?:png|webp);base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(uri))) for uri in uris]


def test_a_figure_holds_its_pictures_titles_and_caption():
    made = show.images([(photo(), "visible"), (photo(seed=1), "infrared")], alt="a street", caption="By night.")
    assert made.html.startswith("<figure") and made.html.count("<img") == 2
    assert "visible" in made.html and "<figcaption" in made.html and "By night." in made.html
    assert made._repr_html_() == made.html and repr(made) == "[images] a street"


@pytest.mark.parametrize("alt", ["", "   ", None])
@pytest.mark.parametrize(
    "make",
    [
        lambda alt: show.images(photo(), alt=alt),
        lambda alt: show.compare(photo(), photo(), alt=alt),
        lambda alt: show.frames([photo()], names=["a"], alt=alt),
        lambda alt: show.explore(lambda v: photo(), "v", [1], alt=alt),
        lambda alt: show.plot(lambda ax: None, alt=alt),
    ],
)
def test_no_figure_without_alternative_text(make, alt):
    with pytest.raises(ValueError, match="alt must say"):
        make(alt)


def test_every_img_has_its_own_alternative_text_and_size():
    made = show.images([(photo(), "visible"), photo(seed=1)], alt="a street")
    tags = re.findall(r"<img[^>]*>", made.html)
    assert [re.search(r'alt="([^"]*)"', t)[1] for t in tags] == ["visible", "a street (2 of 2)"]
    assert all('width="48"' in t and 'height="24"' in t for t in tags)


def test_whatever_is_written_stays_text():
    bad = '<script>alert(1)</script>" onload="x'
    pieces = [
        show.images([(photo(), bad), (photo(), bad)], alt=bad, caption=bad),
        show.compare(photo(), photo(), alt=bad, labels=(bad, bad), caption=bad),
        show.frames([photo()], alt=bad, names=[bad], caption=bad),
        show.table([[bad, bad]], columns=[bad, "b"], caption=bad, footer=bad, groups=[(bad, 2)], sortable=True),
        show.legend([bad], PALETTE),
    ]
    for piece in pieces:
        assert "<script>" not in piece.html and '" onload' not in piece.html
        assert "&lt;script&gt;" in piece.html


@pytest.mark.parametrize(
    "image, expected",
    [
        (torch.full((3, 2, 2), 0.5), 128),
        (torch.full((1, 2, 2), 0.5), 128),
        (torch.full((2, 2), 0.5), 128),
        (torch.full((1, 3, 2, 2), 0.5), 128),
        (torch.full((2, 2), 0.5, dtype=torch.bfloat16), 128),
        (np.full((2, 2), 0.5), 128),
        (torch.full((3, 2, 2), 7, dtype=torch.uint8), 7),
        (torch.ones(2, 2, dtype=torch.bool), 255),
        (torch.full((2, 2), 1.0005), 255),
    ],
)
def test_pictures_come_in_many_forms(image, expected):
    made = to_uint8(image)
    assert made.shape == (2, 2, 3) and made.dtype == np.uint8 and (made == expected).all()


@pytest.mark.parametrize(
    "image, message",
    [
        (torch.rand(2, 4, 4), r"got \(2, 4, 4\)"),
        (torch.rand(2, 3, 4, 4), "pick one of the batch"),
        (torch.rand(4, 4, 3), "permute"),
        (torch.rand(4), "expected one picture"),
        (torch.rand(3, 0, 4), "expected one picture"),
        (torch.full((3, 4, 4), float("nan")), "NaN"),
        (torch.full((3, 4, 4), float("inf")), "infinite"),
        (torch.full((3, 4, 4), 255.0), r"got \[255, 255\]"),
        (torch.full((3, 4, 4), -0.5), "clamp"),
        (torch.zeros(4, 4, dtype=torch.int64), "labels_to_rgb"),
    ],
)
def test_what_is_no_picture_is_named(image, message):
    with pytest.raises(ValueError, match=message):
        show.images(image, alt="x")


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="got str"):
        show.images("picture.png", alt="x")
    with pytest.raises(ValueError, match="at least one"):
        show.images([], alt="x")


def test_few_colours_stay_exact_and_photographs_stay_small():
    labels = show.labels_to_rgb(torch.arange(3).repeat(30, 20), PALETTE)
    made = decode(show.images(labels, alt="labels").html)[0]
    assert made.format == "PNG"
    assert (np.asarray(made.convert("RGB")) == to_uint8(labels)).all()
    noisy = decode(show.images(photo(384, 768), alt="noise").html)[0]
    assert noisy.format == "WEBP" and noisy.size == (768, 384)
    assert len(encode(photo(384, 768)).uri) < 400_000  # pure noise, the hardest picture there is


def test_pictures_are_close_to_their_tensor():
    y, x = torch.meshgrid(torch.linspace(0, 1, 96), torch.linspace(0, 1, 192), indexing="ij")
    image = torch.stack([x, y, (x + y) / 2])
    made = np.asarray(decode(show.images(image, alt="ramp").html)[0].convert("RGB")).astype(int)
    assert np.abs(made - to_uint8(image)).mean() < 2


def test_wide_pictures_are_scaled_down_and_pixel_maps_are_not_smoothed():
    assert encode(photo(100, 2 * LIMIT)).width == LIMIT
    wide = encode(show.labels_to_rgb(torch.arange(3).repeat_interleave(800)[None].expand(40, -1), PALETTE))
    made = np.asarray(decode(f'src="{wide.uri}"')[0].convert("RGB"))
    assert wide.width == LIMIT and len(np.unique(made.reshape(-1, 3), axis=0)) == 3
    html = show.images(photo(8, 8), alt="map", pixelated=True).html
    assert "image-rendering:pixelated" in html and "image/png" in html


def test_the_same_figure_is_the_same_text():
    made = [show.images([(photo(), "a"), (photo(), "b")], alt="x").html for _ in range(2)]
    made += [show.compare(photo(), photo(seed=1), alt="x").html for _ in range(2)]
    made += [show.plot(lambda ax: ax.plot([1, 2, 4]), alt="x").html for _ in range(2)]
    assert made[0] == made[1] and made[2] == made[3] and made[4] == made[5]


def test_labels_are_painted_as_numbers():
    painted = show.labels_to_rgb(torch.tensor([[0, 1], [2, 255]]), PALETTE)
    assert painted.shape == (3, 2, 2)
    assert painted[:, 0, 0].tolist() == [1, 0, 0] and painted[:, 1, 0].tolist() == [0, 0, 1]
    assert painted[:, 1, 1].max() < 0.1
    assert show.labels_to_rgb(torch.zeros(5, 2, 2, dtype=torch.int64), PALETTE).shape == (5, 3, 2, 2)


@pytest.mark.parametrize("labels", [torch.rand(2, 2), torch.tensor([[3]]), torch.tensor([[-1]]), torch.tensor([1])])
def test_wrong_labels_are_refused(labels):
    with pytest.raises(ValueError, match="expected"):
        show.labels_to_rgb(labels, PALETTE)


def test_maps_span_the_colour_map_and_bad_values_are_grey():
    painted = show.colour(torch.tensor([[0.0, 10.0], [float("inf"), float("nan")]]), "gray")
    assert painted[:, 0, 0].tolist() == [0, 0, 0] and painted[:, 0, 1].tolist() == [1, 1, 1]
    assert (painted[:, 1] == 0.5).all()
    assert show.colour(torch.full((1, 2, 2), 3.0)).shape == (3, 2, 2)
    assert show.colour(torch.tensor([[5.0]]), "gray", vmin=0, vmax=10).mean() == pytest.approx(0.5, abs=0.01)
    with pytest.raises(ValueError, match="one map"):
        show.colour(torch.rand(3, 2, 2))
    with pytest.raises(ValueError, match="vmin"):
        show.colour(torch.rand(2, 2), vmin=2, vmax=1)


def test_the_legend_lists_just_the_classes_that_occur():
    made = show.legend(["road", "car", "sky"], PALETTE, only=torch.tensor([[2, 255], [0, 0]]))
    assert "road" in made.html and "sky" in made.html and "car" not in made.html


def test_masks_and_boxes_are_drawn_where_they_are():
    image = torch.full((3, 20, 30), 0.5)
    mask = torch.zeros(20, 30, dtype=torch.bool)
    mask[5:10, 5:10] = True
    tinted = show.overlay(image, mask)
    assert tinted[0, 7, 7] > 0.7 and tinted[0, 15, 20] < 0.5
    assert (image == 0.5).all()
    drawn = show.boxes(image, torch.tensor([[4.0, 4.0, 12.0, 12.0], [25.0, -3.0, 99.0, 9.0]]))
    changed = (drawn != image).any(0)
    assert changed[4, 4] and changed[11, 11] and not changed[8, 8] and not changed[12, 12]
    with pytest.raises(ValueError, match="bool mask"):
        show.overlay(image, mask.float())
    with pytest.raises(ValueError, match=r"boxes \(N, 4\)"):
        show.boxes(image, torch.rand(4))


def test_a_table_can_be_read_by_ear():
    made = show.table(
        [["ours", 1.23456, 3], ["theirs", None, 4]],
        columns=["method", "PSNR", "MSE"],
        caption="Two methods",
        footer="3 seeds",
        best={"PSNR": "max", "MSE": "min"},
        groups=[("", 1), ("scores", 2)],
        formats={"PSNR": ".1f"},
    )
    assert "<caption" in made.html and made.html.count('scope="row"') == 2 and made.html.count('scope="col"') == 3
    assert 'role="region"' in made.html and 'tabindex="0"' in made.html and 'aria-label="Two methods"' in made.html
    assert "<strong>1.2</strong>" in made.html and "<strong>3</strong>" in made.html
    assert "–" in made.html and 'scope="colgroup"' in made.html and "3 seeds" in made.html
    assert "ours    1.2   3" in repr(made)


def test_ties_are_all_best_and_nan_is_never():
    made = show.table([["a", 2.0], ["b", 2.0], ["c", float("nan")]], columns=["m", "x"], best={"x": "max"})
    assert made.html.count("<strong>") == 2 and "nan" not in made.html.replace('data-v=""', "")


def test_negative_numbers_have_a_minus_and_still_sort():
    made = show.table([["a-b", -1.5], ["c", -2]], columns=["m", "x"])
    assert "\u22121.500" in made.html and "\u22122" in made.html and 'data-v="-1.5"' in made.html and "a-b" in made.html
    assert ">+0.0<" in show.table([["a", -0.01]], columns=["m", "x"], formats="+.1f").html
    assert ">1e-05<" in show.table([["a", 1e-5]], columns=["m", "x"], formats=".0e").html


@pytest.mark.parametrize(
    "change, message",
    [
        ({"rows": [["a"]]}, "2 cells in every row, got 1"),
        ({"best": {"nope": "max"}}, "nope"),
        ({"best": {"x": "highest"}}, "'max' or 'min'"),
        ({"formats": {"y": ".1f"}}, "y"),
        ({"groups": [("a", 3)]}, "groups over 2 columns, got 3"),
    ],
)
def test_wrong_tables_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        show.table(**({"rows": [["a", 1]], "columns": ["m", "x"]} | change))


def test_plots_are_drawn_for_both_themes_in_the_book_only(monkeypatch):
    drawn = []
    monkeypatch.setenv("MMLIB_STATIC", "1")
    made = show.plot(lambda ax: drawn.append(ax.plot([1, 2])), alt="a line")
    assert len(drawn) == 2 and "only-light" in made.html and "only-dark" in made.html
    monkeypatch.delenv("MMLIB_STATIC")
    live = show.plot(lambda fig: drawn.append(fig.subplots(1, 2)), alt="two axes")
    assert len(drawn) == 3 and "only-dark" not in live.html
    assert drawn[-1].shape == (2,)


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2)."""
    from matplotlib.colors import to_rgb

    def light(colour):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme, ground, lines", [("light", "white", LIGHT), ("dark", "#121212", DARK)])
def test_plots_can_be_read_on_their_ground(theme, ground, lines):
    assert _contrast(INK[theme], ground) > 10
    assert all(_contrast(line, ground) > 3.5 for line in lines)


def test_heavy_plots_become_pixels():
    points = torch.rand(2, 5000).numpy()
    made = show.plot(lambda ax: ax.scatter(*points), alt="many points").html
    assert "image/png" in made and len(made) < 400_000


def test_numbers_in_prose_come_from_code(capsys):
    show.say("The error is **0.5**.")
    assert capsys.readouterr().out


def test_the_key_to_flow_names_the_length_of_full_colour():
    key = show.flow_key(20.21)
    html = key._repr_html_()
    assert "full colour moves 20.2 pixels" in html and html.count("<img") == 1 and "cyan to the left" in html
    assert "20.2 pixels" in str(key)


def test_buttons_show_the_frame_that_belongs_to_them():
    faces = [show.Html(f"<span>{k}</span>", str(k)) for k in range(3)]
    names = ["first", "second & third", "last"]
    made = show.pick([photo(seed=k) for k in range(3)], faces=faces, names=names, alt="three maps", start=1)
    assert made.html.count("<button") == 3 and made.html.count('class="mm-frame"') == 3
    assert made.html.count("visibility:inherit") == 1 and made.html.index("visibility:inherit") > 0
    pressed = re.findall(r'aria-label="([^"]+)" aria-pressed="(true|false)"', made.html)
    assert pressed == [("first", "false"), ("second &amp; third", "true"), ("last", "false")]
    assert all(f'data-k="{k}"' in made.html for k in range(3)) and "onpointerenter" in made.html
    assert "<output" in made.html and made.text == "[pick] three maps"


def test_buttons_need_a_face_and_a_name_each():
    face = show.Html("x", "x")
    for wrong in ({"faces": [face], "names": []}, {"faces": [], "names": ["a"]}):
        with pytest.raises(ValueError, match="expected a face and a name for each frame"):
            show.pick([photo()], alt="a map", **wrong)
    with pytest.raises(ValueError, match="start from 0 to 0"):
        show.pick([photo()], faces=[face], names=["a"], alt="a map", start=1)
