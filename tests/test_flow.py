"""Warping, masks, occlusion, colours and resizing, against cases that can be worked out by hand."""

import math

import pytest
import torch

from mmlib import flow as mf


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def constant(u: float, v: float, height: int = 8, width: int = 10, batch: int = 1) -> torch.Tensor:
    return torch.tensor([u, v], dtype=torch.float32).view(1, 2, 1, 1).expand(batch, 2, height, width).clone()


def slow_warp(image: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """Bilinear look-up written as loops over pixels and their four neighbours; zero outside."""
    batch, channels, height, width = image.shape
    out = torch.zeros_like(image)
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                sx, sy = x + float(flow[b, 0, y, x]), y + float(flow[b, 1, y, x])
                for ny in (math.floor(sy), math.floor(sy) + 1):
                    for nx in (math.floor(sx), math.floor(sx) + 1):
                        if 0 <= nx < width and 0 <= ny < height:
                            out[b, :, y, x] += (1 - abs(sx - nx)) * (1 - abs(sy - ny)) * image[b, :, ny, nx]
    return out


@pytest.mark.parametrize("size", [(3, 5), (64, 128), (384, 768)])
def test_zero_flow_is_the_identity(size):
    image = noise(1, 3, *size)
    assert torch.allclose(mf.warp(image, torch.zeros(1, 2, *size)), image, atol=1e-7, rtol=0)


def test_whole_pixels_move_exactly():
    image = noise(1, 1, 8, 10)
    back = mf.warp(image, constant(2, -1))
    assert torch.allclose(back[..., 1:, :-2], image[..., :-1, 2:], atol=1e-7)
    assert back[..., 0, :].max() < 1e-12 and back[..., -2:].max() < 1e-12


def test_half_a_pixel_is_the_mean_of_two():
    image = noise(1, 1, 8, 10)
    back = mf.warp(image, constant(0.5, 0))
    assert torch.allclose(back[..., :-1], (image[..., :-1] + image[..., 1:]) / 2, atol=1e-6)


def test_warp_equals_the_slow_loop():
    image, flow = noise(2, 3, 7, 9), 6 * noise(2, 2, 7, 9, seed=1) - 3
    assert torch.allclose(mf.warp(image, flow), slow_warp(image, flow), atol=1e-5)


def test_border_padding_repeats_the_edge():
    image = noise(1, 1, 8, 10)
    assert torch.allclose(
        mf.warp(image, constant(100, 0), padding="border"), image[..., -1:].expand_as(image), atol=1e-6
    )


def test_nearest_keeps_ids():
    ids = torch.arange(80.0).view(1, 1, 8, 10)
    back = mf.warp(ids, constant(0.4, -0.4), mode="nearest")
    assert back.eq(ids).all()


def test_warp_is_differentiable():
    image = noise(1, 1, 5, 6).double().requires_grad_()
    flow = (noise(1, 2, 5, 6, seed=3).double() * 0.8 + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(mf.warp, (image, flow))


def test_warp_keeps_half_precision():
    image = noise(1, 1, 8, 10).half()
    assert mf.warp(image, constant(0, 0)).dtype == torch.float16


def test_valid_mask_ends_at_the_last_pixel_centre():
    valid = mf.valid_mask(constant(2, -1))[0]
    assert valid[1:, :-2].all() and not valid[0].any() and not valid[:, -2:].any()
    assert not mf.valid_mask(constant(0.01, 0))[0, :, -1].any()


def test_pixel_grid_is_x_then_y():
    grid = mf.pixel_grid(2, 3)
    assert grid.tolist() == [[[[0, 1, 2], [0, 1, 2]], [[0, 0, 0], [1, 1, 1]]]]


@pytest.mark.parametrize(
    ("image", "flow", "error", "says"),
    [
        (torch.zeros(1, 3, 8, 8), torch.zeros(1, 8, 8, 2), ValueError, "(B, 2, H, W)"),
        (torch.zeros(1, 3, 8, 8), torch.zeros(2, 8, 8), ValueError, "flow[None]"),
        (torch.zeros(1, 3, 8, 8), torch.zeros(1, 2, 8, 8, dtype=torch.long), TypeError, "int64"),
        (torch.zeros(1, 3, 8, 9), torch.zeros(1, 2, 8, 8), ValueError, "resize_flow"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.zeros(1, 2, 8, 8), TypeError, "nearest"),
        (None, torch.zeros(1, 2, 8, 8), TypeError, "NoneType"),
    ],
)
def test_wrong_arguments_of_warp_are_explained(image, flow, error, says):
    with pytest.raises(error, match=says.replace("(", r"\(").replace(")", r"\)").replace("[", r"\[")):
        mf.warp(image, flow)


@pytest.mark.parametrize("wrong", [{"mode": "cubic"}, {"padding": "wrap"}])
def test_wrong_words_for_warp_are_explained(wrong):
    with pytest.raises(ValueError, match="must be"):
        mf.warp(torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 4, 4), **wrong)


# --- occlusion -------------------------------------------------------------------------------------------------------


def moving_square(shift: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Forward and backward flow of an 8x8 square that moves `shift` to the right over a still background."""
    forward, backward = torch.zeros(1, 2, 24, 32), torch.zeros(1, 2, 24, 32)
    forward[0, 0, 8:16, 8:16] = shift
    backward[0, 0, 8:16, 8 + shift : 16 + shift] = -shift
    return forward, backward


def test_the_background_that_a_square_covers_is_occluded():
    expected = torch.zeros(24, 32, dtype=torch.bool)
    expected[8:16, 16:20] = True
    assert mf.occlusion(*moving_square())[0].equal(expected)


def test_what_leaves_the_frame_is_occluded():
    forward = constant(3, 0)
    hidden = mf.occlusion(forward, -forward)[0]
    assert hidden[:, -3:].all() and not hidden[:, :-3].any()


def test_small_disagreement_is_tolerated_and_large_is_not():
    forward = constant(1, 0)
    near, far = constant(-1.5, 0), constant(-2.0, 0)
    assert not mf.occlusion(forward, near)[..., :-1].any()
    assert mf.occlusion(forward, far).all()
    assert not mf.occlusion(forward, far, absolute=2.0)[..., :-1].any()


def test_unknown_flow_counts_as_occluded():
    forward, backward = moving_square()
    forward[0, :, 0, 0] = math.nan
    backward[0, :, 20, 20] = math.nan
    hidden = mf.occlusion(forward, backward)[0]
    assert hidden[0, 0] and hidden[20, 20]
    assert int(hidden.sum()) == 8 * 4 + 2


def test_occlusion_wants_two_flows_of_one_size():
    with pytest.raises(ValueError, match="one shape"):
        mf.occlusion(torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 9))


# --- colour ----------------------------------------------------------------------------------------------------------


def colour_of(u: float, v: float, max_flow: float = 10.0) -> torch.Tensor:
    return mf.flow_to_rgb(constant(u, v, 1, 1), max_flow)[0, :, 0, 0]


@pytest.mark.parametrize(
    ("vector", "rgb"),
    [
        ((0, 0), (1, 1, 1)),  # still: white
        ((10, 0), (1, 0, 0)),  # right: red
        ((-10, 0), (0, 1, 1)),  # left: cyan
        ((0, 10), (0.5, 1, 0)),  # down: yellow-green
        ((0, -10), (0.5, 0, 1)),  # up: violet
        ((5, 0), (1, 0.5, 0.5)),  # half the length, half the colour
        ((20, 0), (0.75, 0, 0)),  # too long: dark
    ],
)
def test_colours(vector, rgb):
    assert torch.allclose(colour_of(*vector), torch.tensor(rgb, dtype=torch.float32), atol=1e-3)


def test_the_scale_of_colours_is_the_longest_known_vector():
    flow = constant(3, 4)
    flow[0, :, 0, 0] = math.nan
    assert mf.flow_to_rgb(flow)[0, :, 1:, 1:].equal(mf.flow_to_rgb(flow, 5.0)[0, :, 1:, 1:])
    assert mf.flow_to_rgb(constant(0, 0)).eq(1).all()
    assert mf.flow_to_rgb(constant(math.nan, 0)).eq(0).all()


@pytest.mark.parametrize("max_flow", [0.0, -1.0, math.nan, math.inf])
def test_a_wrong_scale_of_colours_is_explained(max_flow):
    with pytest.raises(ValueError, match="max_flow"):
        mf.flow_to_rgb(constant(1, 1), max_flow)


def test_the_legend_shows_directions_and_too_long():
    legend = mf.flow_legend(65)
    assert legend.shape == (3, 65, 65)
    assert torch.allclose(legend[:, 32, 32], torch.ones(3))
    assert torch.allclose(legend[:, 32, 64], torch.tensor([1.0, 0, 0]), atol=1e-3)
    assert torch.allclose(legend[:, 0, 0].max(), torch.tensor(0.75))
    with pytest.raises(ValueError, match="size"):
        mf.flow_legend(1)


# --- resizing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["bilinear", "area", "nearest"])
def test_vectors_shrink_with_the_grid(mode):
    small = mf.resize_flow(constant(4, 6, 8, 12), (4, 3), mode=mode)
    assert torch.allclose(small, constant(1, 3, 4, 3))


def test_a_resized_flow_still_aligns_two_resized_frames():
    image = torch.nn.functional.interpolate(noise(1, 1, 6, 8), size=(48, 64), mode="bicubic")
    moved = mf.warp(image, constant(-4, 2, 48, 64), padding="border")
    half = [torch.nn.functional.avg_pool2d(x, 2) for x in (image, moved)]
    # a still point p of `moved` shows image(p + (-4, 2)): going from image to moved is (+4, -2)
    flow = mf.resize_flow(constant(4, -2, 48, 64), (24, 32))
    error = (mf.warp(half[1], flow) - half[0]).abs()[..., 4:-4, 4:-4]
    assert error.max() < 1e-4


@pytest.mark.parametrize(("size", "mode"), [((0, 4), "area"), ((4,), "area"), ((4, 4), "cubic")])
def test_wrong_sizes_are_explained(size, mode):
    with pytest.raises(ValueError, match="must be"):
        mf.resize_flow(constant(1, 1), size, mode=mode)
