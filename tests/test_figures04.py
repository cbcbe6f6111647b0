"""Chapter 4's figures: every flow has its key, no arrow is painted darker than the key, and the widget is exact."""

import base64
import re

import torch

from mmlib.book import figures04
from mmlib.flow import flow_to_rgb
from mmlib.flow.flownet import FlowNetS
from mmlib.flow.learned import estimate


def test_long_arrows_get_the_full_colour_and_short_ones_their_own():
    flow = torch.zeros(2, 1, 3)
    flow[0, 0] = torch.tensor([2.0, 4.0, 40.0])
    colours = figures04.painted(flow, 4.0)
    assert torch.equal(colours[:, 0, 2], colours[:, 0, 1])  # 40 px looks like 4 px
    assert torch.equal(colours[:, 0, 0], flow_to_rgb(flow[None], 4.0)[0, :, 0, 0])
    assert float(colours.amax(dim=0).min()) == 1.0  # nothing darker


def test_an_unknown_arrow_stays_black():
    flow = torch.full((2, 1, 1), float("nan"))
    assert float(figures04.painted(flow, 4.0).abs().max()) == 0


def test_flows_stand_with_their_key():
    made = figures04.flows([(torch.rand(3, 4, 6), "t")], [(torch.rand(2, 4, 6), "exact")], 7.0, alt="a flow").html
    assert figures04.WHEEL in made and "7 pixels or more" in made and made.count("<img") == 3


def test_tap_carries_both_frames_and_the_exact_flow():
    now, later = torch.rand(1, 12, 16), torch.rand(1, 12, 16)
    flow = torch.full((2, 12, 16), -1.25)
    html = figures04.tap(now, later, flow, (3, 4)).html
    u = base64.b64decode(re.search(r'data-u="([^"]*)"', html)[1])
    assert len(u) == 12 * 16 and {byte - 256 for byte in u} == {-10}  # eighths of a pixel
    assert 'name="x"' in html and 'value="3"' in html and html.count('type="range"') == 2
    assert " id=" not in html and "<script" not in html and "http" not in html


def test_real_frames_race_where_they_may_be_shown(monkeypatch):
    monkeypatch.setattr(figures04, "installed", lambda name: False)
    sizes = []

    def still(rgb, rgb_next):
        sizes.append(tuple(rgb.shape))
        return torch.zeros(1, 2, *rgb.shape[-2:])

    html = figures04.rubber_whale({"dis": still}).html
    assert "Middlebury" in html and "DIS" in html and html.count("<img") == 3
    assert sizes[0][:2] == (1, 3) and sizes[0][3] == 400
    monkeypatch.setenv("PUBLISH_REAL_IMAGES", "none")
    assert figures04.rubber_whale({"dis": still}) is None


def test_the_learned_network_joins_once_its_weights_are_published(monkeypatch):
    def missing(name):
        raise FileNotFoundError

    monkeypatch.setattr(figures04, "load_weights", missing)
    assert figures04.learned() is None
    monkeypatch.setattr(figures04, "load_weights", lambda name: FlowNetS().state_dict())
    rgb = torch.rand(1, 3, 50, 70)
    assert figures04.learned()(rgb, rgb).shape == (1, 2, 50, 70)
    monkeypatch.setattr(figures04, "read_records", lambda paper: {})
    assert figures04.learned_record() is None


def test_a_flow_found_at_half_the_size_is_twice_as_long():
    seen = []

    def one_pixel_right(rgb, rgb_next):
        seen.append(tuple(rgb.shape[-2:]))
        return torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, *rgb.shape[-2:])

    flow = estimate(one_pixel_right, torch.rand(1, 3, 96, 64), torch.rand(1, 3, 96, 64))
    assert seen == [(48, 32)] and flow.shape == (1, 2, 96, 64)
    assert torch.allclose(flow[:, 0], torch.tensor(2.0)) and torch.allclose(flow[:, 1], torch.tensor(0.0))
    estimate(one_pixel_right, torch.rand(1, 3, 388, 584), torch.rand(1, 3, 388, 584))
    assert all(side % 8 == 0 for side in seen[1])
