"""Multi-scale and flip testing against answers that are known: equivariant nets, counted views, moving flow."""

import pytest
import torch
from torch.nn import functional as F

from mmlib.metrics.multiscale import SCALES, multiscale


def rand(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def pointwise(*images):
    """Looks at one pixel at a time and knows no left or right: equivariant to every flip."""
    rgb = images[0]
    return torch.cat([rgb.sum(1, keepdim=True), rgb[:, :1] * 3, -rgb[:, 2:]], 1)


def test_one_view_is_the_net_itself():
    rgb = rand(2, 3, 8, 12)
    assert torch.equal(multiscale(pointwise, rgb, scales=(1,), flip=False), pointwise(rgb).softmax(1))


def test_an_equivariant_net_gains_nothing_from_a_mirror():
    rgb = rand(2, 3, 8, 12)
    torch.testing.assert_close(multiscale(pointwise, rgb, scales=(1,)), pointwise(rgb).softmax(1))


def test_a_flat_image_looks_the_same_at_every_scale():
    rgb = rand(2, 3, 1, 1).expand(2, 3, 9, 13).contiguous()
    torch.testing.assert_close(multiscale(pointwise, rgb), pointwise(rgb).softmax(1))


def test_probabilities_are_averaged_and_not_logits():
    """A net that sees left and right: its view of the mirror image differs, and the mean is taken by hand."""

    def handed(rgb):
        ramp = torch.linspace(-3, 3, rgb.shape[-1]).expand(*rgb.shape[:1], 1, *rgb.shape[-2:])
        return torch.cat([ramp, 0 * ramp], 1)

    rgb = rand(1, 3, 4, 5)
    ramp = torch.linspace(-3, 3, 5)
    expected = (torch.sigmoid(ramp) + torch.sigmoid(-ramp)) / 2
    got = multiscale(handed, rgb, scales=(1,))
    torch.testing.assert_close(got[0, 0], expected.expand(4, 5))
    assert torch.allclose(got[0, 0], torch.full((4, 5), 0.5)), "the two views cancel, whatever the logits"
    spread = multiscale(lambda x: handed(x) + torch.tensor([1.0, 0.0])[:, None, None], rgb, scales=(1,))
    assert not torch.allclose(spread[0, 0], torch.sigmoid(torch.tensor(1.0)).expand(4, 5)), "the mean logit's answer"


def test_scales_by_a_slow_reference():
    """A 3x3 convolution is not equivariant to scale: compare with the sum written out."""
    weight = rand(4, 3, 3, 3, seed=1) - 0.5
    net = lambda x: F.conv2d(x, weight, stride=2, padding=1)  # noqa: E731
    rgb = rand(1, 3, 16, 24)
    total = 0
    for height, width in ((8, 12), (16, 24), (24, 36)):
        x = F.interpolate(rgb, (height, width), mode="bilinear")
        for mirror in (False, True):
            logits = F.interpolate(net(x.flip(3) if mirror else x), (16, 24), mode="bilinear")
            total = total + (logits.flip(3) if mirror else logits).softmax(1)
    torch.testing.assert_close(multiscale(net, rgb, scales=(0.5, 1, 1.5)), total / 6)


def test_sizes_fit_the_net():
    seen = []

    def recording(rgb):
        seen.append(tuple(rgb.shape[-2:]))
        return rgb

    out = multiscale(recording, rand(1, 3, 30, 50), scales=(0.5, 1), flip=False, multiple=8, plus=1)
    assert seen == [(17, 25), (33, 49)] and out.shape == (1, 3, 30, 50)
    seen.clear()
    multiscale(recording, rand(1, 3, 32, 64), scales=SCALES, multiple=32)
    sizes = ((32, 32), (32, 64), (32, 64), (32, 96), (64, 96), (64, 128))
    assert seen == [size for size in sizes for _ in ("as it is", "mirrored")]


# --- flow


def test_flow_reads_the_same_in_every_view():
    """A net that measures motion in image widths and heights, without a left: views must agree exactly."""

    def speed(rgb, flow):
        height, width = rgb.shape[-2:]
        return torch.stack([flow[:, 0].abs() / width * 20, flow[:, 1] / height * 20], 1)

    rgb = rand(2, 3, 12, 16)
    flow = torch.tensor([3.0, -2.0]).view(1, 2, 1, 1).expand(2, 2, 12, 16).contiguous()
    expected = speed(rgb, flow).softmax(1)
    torch.testing.assert_close(multiscale(speed, rgb, flow=flow), expected)


def test_u_changes_its_sign_in_the_mirror_and_v_does_not():
    seen = []

    def recording(rgb, ir, flow):
        seen.append(flow.clone())
        return rgb

    flow = rand(1, 2, 4, 6) - 0.5
    multiscale(recording, rand(1, 3, 4, 6), rand(1, 1, 4, 6), flow=flow, scales=(1, 2))
    same, mirrored, doubled, _ = seen
    assert torch.equal(same, flow)
    assert torch.equal(mirrored[:, 0], -flow[:, 0].flip(-1)) and torch.equal(mirrored[:, 1], flow[:, 1].flip(-1))
    torch.testing.assert_close(doubled, 2 * F.interpolate(flow, (8, 12), mode="bilinear"))


def test_a_net_that_needs_the_sign_of_u_sees_the_same_in_the_mirror():
    """u dI/dx + v dI/dy, the term every flow method balances: in the mirror both u and dI/dx change their signs."""

    def brightness_change(rgb, flow):
        across, down = (rgb[:, 0].roll(-1, axis) - rgb[:, 0].roll(1, axis) for axis in (-1, -2))
        change = flow[:, 0] * across + flow[:, 1] * down
        return torch.stack([change, -change], 1)

    rgb, flow = rand(1, 3, 6, 8), rand(1, 2, 6, 8, seed=3) - 0.5
    expected = brightness_change(rgb, flow).softmax(1)
    torch.testing.assert_close(multiscale(brightness_change, rgb, flow=flow, scales=(1,)), expected)


# --- arguments


def test_nothing_is_learned_and_the_mode_stays():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.Dropout(0.0)).eval()
    assert not multiscale(net, rand(1, 3, 4, 4), scales=(1,)).requires_grad and not net.training


def test_half_precision_answers_are_averaged_in_full():
    half = multiscale(lambda x: pointwise(x).half(), rand(1, 3, 8, 8), scales=(1, 1))
    assert half.dtype == torch.float32 and torch.allclose(half.sum(1), torch.ones(1, 8, 8))


@pytest.mark.parametrize(
    "images, options, message",
    [
        ((), {}, "at least one image"),
        (((3, 8, 8),), {}, "of one B, H and W"),
        (((1, 3, 8, 8), (1, 1, 8, 9)), {}, "of one B, H and W"),
        (((1, 3, 8, 8),), {"flow": (1, 2, 4, 4)}, "of one B, H and W"),
        (((1, 3, 8, 8),), {"scales": ()}, "scales above 0"),
        (((1, 3, 8, 8),), {"scales": (1, -1)}, "scales above 0"),
        (((1, 3, 8, 8),), {"multiple": 0}, "multiple >= 1"),
        (((1, 3, 8, 8),), {"multiple": 64}, "a side of 4 pixels is not left with multiple 64"),
    ],
)
def test_arguments(images, options, message):
    options = {k: rand(*v) if k == "flow" else v for k, v in options.items()}
    with pytest.raises(ValueError, match=message):
        multiscale(pointwise, *(rand(*shape) for shape in images), **options)
