"""Tensors in, tensors out: 8 bit and [0, 1], RGB and BGR, luma and chroma, height-width-channel arrays, JPEG."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""ITU-R BT.601 weights of red, green and blue, the ones all four papers and their evaluators use."""

IGNORE = 255
"""The label id that means "do not count this pixel"."""

_HALF_LEVEL = 0.5 / 255


def check_image(image: Tensor, channels: int | None = None, name: str = "image") -> Tensor:
    """Return `image` unchanged if it is one: (C,H,W) or (B,C,H,W), floats in [0, 1] (within half a grey level).

    Raises TypeError for a non-tensor or integers, ValueError for a wrong shape, wrong channel count, NaN or range.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"{name}: expected a torch.Tensor, got {type(image).__name__}; use mmlib.images.from_hwc")
    if image.ndim not in (3, 4) or image.numel() == 0:
        raise ValueError(f"{name}: expected a shape (C,H,W) or (B,C,H,W) without zeros, got {tuple(image.shape)}")
    if not image.is_floating_point():
        raise TypeError(f"{name}: expected floats in [0, 1], got {image.dtype}; use mmlib.images.from_uint8")
    expected = (1, 3) if channels is None else (channels,)
    if image.shape[-3] not in expected:
        raise ValueError(
            f"{name}: expected {' or '.join(map(str, expected))} channel(s), got {image.shape[-3]} "
            f"in shape {tuple(image.shape)}; channels come before height and width"
        )
    low, high = (v.item() for v in torch.aminmax(image.detach()))
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = int((~torch.isfinite(image)).sum())
        raise ValueError(f"{name}: expected finite values, got {bad} NaN or infinite; look for the step that made them")
    if low < -_HALF_LEVEL or high > 1 + _HALF_LEVEL:
        raise ValueError(
            f"{name}: expected values in [0, 1], got [{low:.4g}, {high:.4g}]; "
            "divide 0..255 values by 255, or clamp(0, 1) if an overshoot is meant to be cut"
        )
    return image


def from_uint8(image: Tensor) -> Tensor:
    """uint8 0..255 of any shape -> float32 in [0, 1] (divided by 255). TypeError for any other dtype."""
    if not isinstance(image, Tensor) or image.dtype != torch.uint8:
        got = image.dtype if isinstance(image, Tensor) else type(image).__name__
        raise TypeError(f"expected a uint8 tensor, got {got}; images that are float already need no conversion")
    return image.to(torch.float32) / 255


def to_uint8(image: Tensor) -> Tensor:
    """Float image in [0, 1] -> uint8, rounded to the nearest level (ties to even); exact inverse of `from_uint8`.

    Accepts (C,H,W) or (B,C,H,W) with 1 or 3 channels. An overshoot of less than half a level is cut;
    more, NaN or a wrong shape is an error of `check_image`.
    """
    return (check_image(image).detach() * 255).round().clamp(0, 255).to(torch.uint8)


def luma(rgb: Tensor) -> Tensor:
    """Luma Y = 0.299 R + 0.587 G + 0.114 B (BT.601) of (...,3,H,W) -> (...,1,H,W); differentiable, any float dtype.

    A one-channel image is its own luma and is returned as it is. Ranges are kept: [0, 1] gives [0, 1]. For the 8-bit
    luma that reference values are computed on, use `luma8`.
    """
    _require_float(rgb, "luma8")
    if rgb.shape[-3] == 1:
        return rgb
    _require_channels(rgb, 3)
    r, g, b = rgb.unbind(-3)
    wr, wg, wb = LUMA_WEIGHTS
    return (wr * r + wg * g + wb * b).unsqueeze(-3)


def luma8(image: Tensor) -> Tensor:
    """Canonical 8-bit luma round(0.299 R + 0.587 G + 0.114 B) of (...,3,H,W) -> uint8 (...,1,H,W), ties to even.

    Takes uint8, or floats in [0, 1] which are first rounded to 8 bits. Computed with integers, so that no device or
    precision changes a level. A one-channel image is its own luma.
    """
    image = image if image.dtype == torch.uint8 else to_uint8(image)
    if image.shape[-3] == 1:
        return image
    _require_channels(image, 3)
    r, g, b = image.to(torch.int32).unbind(-3)
    thousandths = 299 * r + 587 * g + 114 * b
    level, rest = thousandths // 1000, thousandths % 1000
    up = (rest > 500) | ((rest == 500) & (level % 2 == 1))
    return (level + up).to(torch.uint8).unsqueeze(-3)


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """RGB in [0, 1] (...,3,H,W) -> full-range (Y, Cb, Cr): Cb = 0.564 (B - Y) + 0.5, Cr = 0.713 (R - Y) + 0.5.

    The rounded constants are the ones that SegMiF's and TSJNet's released codes share. Differentiable.
    """
    _require_float(rgb, "from_uint8")
    _require_channels(rgb, 3)
    y = luma(rgb)
    r, _, b = rgb.split(1, dim=-3)
    return torch.cat([y, 0.564 * (b - y) + 0.5, 0.713 * (r - y) + 0.5], dim=-3)


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """Full-range (Y, Cb, Cr) (...,3,H,W) -> RGB; not clamped, so impossible colours leave [0, 1]. Differentiable.

    R = Y + 1.403 (Cr - 0.5), G = Y - 0.714 (Cr - 0.5) - 0.344 (Cb - 0.5), B = Y + 1.773 (Cb - 0.5). The constants are
    rounded, so rgb -> ycbcr -> rgb returns within 0.0005, an eighth of a grey level.
    """
    _require_float(ycbcr, "from_uint8")
    _require_channels(ycbcr, 3)
    y, cb, cr = ycbcr.split(1, dim=-3)
    cb, cr = cb - 0.5, cr - 0.5
    return torch.cat([y + 1.403 * cr, y - 0.714 * cr - 0.344 * cb, y + 1.773 * cb], dim=-3)


def swap_rgb_bgr(image: Tensor) -> Tensor:
    """Reverse the three channels of (...,3,H,W): RGB -> BGR (OpenCV's order) and back."""
    _require_channels(image, 3)
    return image.flip(-3)


def to_hwc(image: Tensor) -> np.ndarray:
    """(C,H,W) image, float in [0, 1] or uint8 -> uint8 array (H,W,3), or (H,W) for one channel: what Pillow and OpenCV
    want (OpenCV: after `swap_rgb_bgr`)."""
    image = image if isinstance(image, Tensor) and image.dtype == torch.uint8 else to_uint8(image)
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(f"expected one image (1,H,W) or (3,H,W), got {tuple(image.shape)}; pick one of the batch")
    array = image.permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(array[:, :, 0] if array.shape[2] == 1 else array)


def from_hwc(array: np.ndarray) -> Tensor:
    """uint8 array (H,W,3) or (H,W) -> float32 (3,H,W) or (1,H,W) in [0, 1]; the inverse of `to_hwc`."""
    array = np.asarray(array)
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3))):
        raise ValueError(f"expected a uint8 array (H,W) or (H,W,3), got {array.dtype} {array.shape}")
    array = array[:, :, None] if array.ndim == 2 else array
    return from_uint8(torch.from_numpy(array.transpose(2, 0, 1).copy()))


def jpeg(image: Tensor, quality: int = 92, subsampling: str = "4:2:0") -> Tensor:
    """What JPEG leaves of an image: (C,H,W) or (B,C,H,W) in [0, 1] -> the same shape after 8 bits, JPEG and back.

    `quality` is libjpeg's scale 1..100 (above 95 wins nothing), `subsampling` the chroma of colour images: "4:4:4",
    "4:2:2" or "4:2:0". Not differentiable. ValueError for a quality or subsampling outside these.
    """
    if not 1 <= quality <= 100 or subsampling not in ("4:4:4", "4:2:2", "4:2:0"):
        raise ValueError(f"expected quality 1..100 and 4:4:4, 4:2:2 or 4:2:0, got {quality} and {subsampling!r}")
    if image.ndim == 4:
        return torch.stack([jpeg(one, quality, subsampling) for one in image])
    buffer = io.BytesIO()
    save_jpeg(Image.fromarray(to_hwc(image)), buffer, quality, subsampling)
    buffer.seek(0)
    with Image.open(buffer) as picture:
        return from_hwc(np.asarray(picture)).to(image.device)


def check_labels(labels: Tensor, num_classes: int, name: str = "labels") -> Tensor:
    """Return int64 `labels` unchanged if every id is in 0..num_classes-1 or 255; ValueError names the strangers."""
    strange = labels[(labels != IGNORE) & ((labels < 0) | (labels >= num_classes))]
    if strange.numel():
        ids, counts = strange.unique(return_counts=True)
        listed = ", ".join(f"{i} ({c} px)" for i, c in zip(ids[:5].tolist(), counts[:5].tolist()))
        raise ValueError(
            f"{name}: expected ids 0..{num_classes - 1} or 255 (ignore), got {listed}; "
            "is it another data set's numbering, or a colour picture?"
        )
    return labels


def save_jpeg(picture: Image.Image, target: io.BytesIO | Path, quality: int, subsampling: str) -> None:
    """Encode with Pillow; chroma subsampling is only for colour, and is always stated."""
    chroma = {"subsampling": subsampling} if picture.mode == "RGB" else {}
    picture.save(target, "JPEG", quality=quality, **chroma)


def _require_float(image: Tensor, instead: str) -> None:
    if not image.is_floating_point():
        raise TypeError(f"expected a float image in [0, 1], got {image.dtype}; use mmlib.images.{instead}")


def _require_channels(image: Tensor, channels: int) -> None:
    if image.ndim < 3 or image.shape[-3] != channels:
        raise ValueError(
            f"expected (...,{channels},H,W), got {tuple(image.shape)}; channels come before height and width"
        )
