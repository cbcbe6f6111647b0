"""mmlib.images: nothing is lost on the way in or out, and every broken file gives one clear error."""

import numpy as np
import pytest
import torch
from PIL import Image

from mmlib import images


@pytest.fixture
def rgb() -> torch.Tensor:
    """A smooth colour picture with exact 8-bit levels, (3,24,32)."""
    y, x = torch.meshgrid(torch.arange(24), torch.arange(32), indexing="ij")
    return torch.stack([x * 8, y * 10, (x + y) * 4]).to(torch.uint8).float() / 255


def every_level() -> torch.Tensor:
    return torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)


# --- tensors


def test_8_bit_and_unit_range_are_inverse():
    assert torch.equal(images.to_uint8(images.from_uint8(every_level())), every_level())


def test_hwc_and_back(rgb):
    assert images.to_hwc(rgb).shape == (24, 32, 3) and images.to_hwc(rgb[:1]).shape == (24, 32)
    assert torch.equal(images.from_hwc(images.to_hwc(rgb)), rgb)
    assert torch.equal(images.from_hwc(images.to_hwc(rgb[:1])), rgb[:1])


def test_bgr_is_what_opencv_reads(rgb, tmp_path):
    cv2 = pytest.importorskip("cv2")
    images.write_image(tmp_path / "a.png", rgb)
    bgr = images.from_hwc(cv2.imread(str(tmp_path / "a.png")))
    assert torch.equal(images.swap_rgb_bgr(bgr), rgb)


def test_luma_by_hand():
    pure = torch.eye(3)[:, :, None, None]
    assert images.luma(pure).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])
    grey = torch.rand(2, 1, 3, 4)
    assert images.luma(grey) is grey


def test_luma8_rounds_exactly_on_every_tie():
    # thousandths ending in 500 are ties; floats would decide them by accident
    rng = torch.Generator().manual_seed(0)
    colours = torch.randint(0, 256, (3, 300, 300), generator=rng, dtype=torch.uint8)
    exact = (colours.long() * torch.tensor([299, 587, 114])[:, None, None]).sum(0)
    assert (exact % 1000 == 500).sum() > 10
    expected = np.array([round(v / 1000) for v in exact.flatten().tolist()])
    assert np.array_equal(images.luma8(colours).flatten().numpy(), expected)


def test_luma8_equals_the_reference_lumas(golden):
    compared = 0
    for folder in sorted((golden / "public").glob("pub*")):
        for name in ("vi", "ir", "fused"):
            ours = images.luma8(images.read_image(folder / f"{name}.png", None))
            theirs = images.to_uint8(images.read_image(folder / f"{name}_y.png", 1))
            assert torch.equal(ours, theirs), f"{folder.name}/{name}"
            compared += 1
    assert compared == 18


def test_ycbcr_returns_within_an_eighth_of_a_level():
    corners = torch.cartesian_prod(*[torch.linspace(0, 1, 9)] * 3).T.reshape(3, 27, 27)
    back = images.ycbcr_to_rgb(images.rgb_to_ycbcr(corners))
    assert (back - corners).abs().max() < 0.0005
    grey = images.rgb_to_ycbcr(torch.full((3, 2, 2), 0.4))
    assert torch.allclose(grey[1:], torch.tensor(0.5))


def test_luma_and_ycbcr_are_differentiable():
    rgb = torch.rand(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(images.luma, rgb)
    assert torch.autograd.gradcheck(images.rgb_to_ycbcr, rgb)
    assert torch.autograd.gradcheck(images.ycbcr_to_rgb, rgb)


def test_jpeg_loses_more_at_lower_quality(rgb):
    noisy = (rgb + 0.1 * torch.rand(rgb.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    error = [(images.jpeg(noisy, q) - noisy).square().mean().item() for q in (95, 75, 30)]
    assert 0 < error[0] < error[1] < error[2]
    assert images.jpeg(noisy[None], 75).shape == (1, 3, 24, 32)
    full = (images.jpeg(noisy, 95, "4:4:4") - noisy).square().mean().item()
    assert full < error[0]
    assert images.jpeg(noisy[:1], 95).shape == (1, 24, 32)


@pytest.mark.parametrize("quality, chroma", [(0, "4:2:0"), (101, "4:2:0"), (90, "4:1:1")])
def test_jpeg_parameters(rgb, quality, chroma):
    with pytest.raises(ValueError, match="expected quality 1..100"):
        images.jpeg(rgb, quality, chroma)


@pytest.mark.parametrize(
    "image, error, message",
    [
        (np.zeros((3, 4, 4)), TypeError, "expected a torch.Tensor, got ndarray"),
        (torch.zeros(4, 4), ValueError, r"expected a shape .* got \(4, 4\)"),
        (torch.zeros(3, 0, 4), ValueError, "without zeros"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), TypeError, "from_uint8"),
        (torch.zeros(4, 4, 3), ValueError, "got 4 in shape"),
        (torch.full((1, 4, 4), float("nan")), ValueError, "got 16 NaN or infinite"),
        (torch.full((1, 4, 4), float("inf")), ValueError, "NaN or infinite"),
        (torch.full((1, 4, 4), 200.0), ValueError, "divide 0..255 values by 255"),
        (torch.full((1, 4, 4), -0.2), ValueError, r"expected values in \[0, 1\], got \[-0.2"),
    ],
)
def test_what_is_not_an_image(image, error, message):
    with pytest.raises(error, match=message):
        images.to_uint8(image)


def test_an_overshoot_below_half_a_level_is_cut():
    assert images.to_uint8(torch.tensor([[[1.001, -0.001]]])).tolist() == [[[255, 0]]]


def test_wrong_dtype_and_channels_for_luma():
    with pytest.raises(TypeError, match="luma8"):
        images.luma(torch.zeros(3, 4, 4, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"expected \(...,3,H,W\), got \(2, 4, 4\)"):
        images.luma(torch.zeros(2, 4, 4))
    with pytest.raises(TypeError, match="expected a uint8 tensor, got torch.float32"):
        images.from_uint8(torch.zeros(3, 4, 4))
    with pytest.raises(ValueError, match="expected a uint8 array"):
        images.from_hwc(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="pick one of the batch"):
        images.to_hwc(torch.zeros(2, 3, 4, 4))


# --- image files


def test_png_round_trip_is_exact(rgb, tmp_path):
    images.write_image(tmp_path / "a.png", rgb)
    assert torch.equal(images.read_image(tmp_path / "a.png"), rgb)
    images.write_image(tmp_path / "g.png", every_level())
    assert torch.equal(images.to_uint8(images.read_image(tmp_path / "g.png", 1)), every_level())
    assert images.read_image(tmp_path / "g.png", 3).shape == (3, 16, 16)
    assert images.read_image(tmp_path / "g.png", None).shape == (1, 16, 16)
    assert images.image_size(tmp_path / "a.png") == (24, 32)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "g.png"], "no leftovers"


def test_jpeg_file_equals_the_round_trip_in_memory(rgb, tmp_path):
    images.write_image(tmp_path / "a.jpg", rgb, quality=80)
    assert torch.equal(images.read_image(tmp_path / "a.jpg"), images.jpeg(rgb, 80))


def test_colour_read_as_one_channel_is_luma8(rgb, tmp_path):
    images.write_image(tmp_path / "a.png", rgb)
    assert torch.equal(images.to_uint8(images.read_image(tmp_path / "a.png", 1)), images.luma8(rgb))


def test_16_bit_grey_keeps_its_precision(tmp_path):
    levels = np.array([[0, 1, 257, 65535]], np.uint16)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    read = images.read_image(tmp_path / "deep.png", 1)
    assert torch.equal((read * 65535).round().long(), torch.from_numpy(levels.astype(np.int64))[None])


def test_opaque_alpha_is_dropped(rgb, tmp_path):
    Image.fromarray(images.to_hwc(rgb)).convert("RGBA").save(tmp_path / "opaque.png")
    assert torch.equal(images.read_image(tmp_path / "opaque.png"), rgb)
    Image.new("LA", (4, 4), (100, 255)).save(tmp_path / "grey.png")
    assert images.read_image(tmp_path / "grey.png", None).shape == (1, 4, 4)


def test_a_palette_is_looked_up_in_images(tmp_path):
    picture = Image.fromarray(np.array([[0, 1]], np.uint8))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.save(tmp_path / "p.png")
    assert images.read_image(tmp_path / "p.png")[:, 0].T.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_lenient_pillow_stays_lenient_for_others(tmp_path, monkeypatch):
    from PIL import ImageFile

    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    images.write_image(tmp_path / "a.png", torch.rand(3, 64, 64))
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:3000])
    with pytest.raises(ValueError, match="truncated or damaged"):
        images.read_image(tmp_path / "a.png")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_channels_must_be_meant(tmp_path, rgb):
    images.write_image(tmp_path / "a.png", rgb)
    with pytest.raises(ValueError, match="expected 1, 3 or None"):
        images.read_image(tmp_path / "a.png", 4)


def test_writing_refuses_other_suffixes_and_nan(tmp_path, rgb):
    with pytest.raises(ValueError, match="ending in .png"):
        images.write_image(tmp_path / "a.bmp", rgb)
    with pytest.raises(ValueError, match="NaN"):
        images.write_image(tmp_path / "a.png", rgb * float("nan"))
    assert list(tmp_path.iterdir()) == []


# --- label files


def test_labels_round_trip_with_and_without_palette(tmp_path):
    labels = torch.arange(256).reshape(16, 16)
    for palette in (None, np.random.default_rng(0).integers(0, 256, (256, 3))):
        images.write_labels(tmp_path / "l.png", labels, palette)
        read = images.read_labels(tmp_path / "l.png")
        assert read.dtype == torch.int64 and torch.equal(read, labels)


def test_a_palette_of_two_bits_keeps_its_ids(tmp_path):
    two_bit = Image.fromarray(np.array([[0, 3, 1, 2]], np.uint8))
    two_bit.putpalette([0, 0, 0, 9, 9, 9, 7, 7, 7, 1, 1, 1])
    two_bit.save(tmp_path / "two.png", bits=2)
    assert images.read_labels(tmp_path / "two.png").tolist() == [[0, 3, 1, 2]]


def test_label_ids_out_of_range_are_named(tmp_path):
    images.write_labels(tmp_path / "l.png", torch.tensor([[0, 8, 9, 12, 255]]))
    with pytest.raises(ValueError, match=r"l.png: expected ids 0..8 or 255 \(ignore\), got 9 \(1 px\), 12 \(1 px\)"):
        images.read_labels(tmp_path / "l.png", num_classes=9)
    assert images.read_labels(tmp_path / "l.png", num_classes=13).tolist() == [[0, 8, 9, 12, 255]]


@pytest.mark.parametrize(
    "labels", [torch.tensor([[256]]), torch.tensor([[-1]]), torch.zeros(2, 2), torch.zeros(2).long()]
)
def test_labels_that_do_not_fit(tmp_path, labels):
    with pytest.raises(ValueError, match="expected integer ids 0..255"):
        images.write_labels(tmp_path / "l.png", labels)
    with pytest.raises(ValueError, match="which keeps ids"):
        images.write_labels(tmp_path / "l.jpg", torch.zeros(2, 2).long())
