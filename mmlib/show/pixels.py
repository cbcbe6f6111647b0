"""From a tensor to the ``<img>`` that shows it: checked, scaled down, encoded small."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from mmlib.show.html import tag

LIMIT = 800  # pixels: twice the width that a picture usually gets on a page, for sharp screens
FEW_COLOURS = 64  # label maps and drawings have fewer: PNG is smaller there, and exact
QUALITY = 88  # WebP: no visible artefacts, about a tenth of the PNG's size on a photograph


@dataclass(frozen=True)
class Picture:
    """One encoded picture: a data URI and its size in pixels."""

    uri: str
    width: int
    height: int

    def img(self, alt: str, *, style: str = "", pixelated: bool = False) -> str:
        """The ``<img>`` tag. Class ``dark-light`` keeps themes from dimming it: its pixels are data.

        A thin grey line marks its border, so that white on a white page, or black on a black one, has an end.
        """
        border = "outline:1px solid rgb(128 128 128/.5);outline-offset:-1px;"
        edges = "image-rendering:pixelated;" if pixelated else ""
        style = f"display:block;width:100%;height:auto;{border}{edges}{style}"
        size = {"width": self.width, "height": self.height}
        return tag("img", src=self.uri, alt=alt, class_="mm-picture dark-light", style=style, **size)


def to_uint8(image: torch.Tensor | np.ndarray) -> np.ndarray:
    """One picture as (H, W, 3) uint8.

    Takes (3, H, W), (1, H, W) or (H, W), floats in [0, 1], booleans, or uint8; a leading batch axis of 1 is dropped.

    Raises:
        TypeError: for other types, ValueError: for other shapes, NaN, infinities, or floats outside [0, 1].
    """
    array = _as_array(image)
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[0] not in (1, 3) or 0 in array.shape:
        raise ValueError(f"expected one picture (3, H, W), (1, H, W) or (H, W), got {_shape(image)}{_advice(array)}")
    array = np.moveaxis(_levels(array), 0, -1)
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))


def encode(image: torch.Tensor | np.ndarray, *, limit: int = LIMIT, pixelated: bool = False) -> Picture:
    """Encode one picture, at most ``limit`` pixels wide.

    Few colours, or ``pixelated``: PNG, exact. Everything else: WebP at quality 88.
    """
    array = to_uint8(image)
    few = _has_few_colours(array)
    picture = Image.fromarray(array)
    if picture.width > limit:
        size = (limit, max(1, round(picture.height * limit / picture.width)))
        picture = picture.resize(size, Image.Resampling.NEAREST if few else Image.Resampling.LANCZOS)
    if few:
        picture = picture.quantize(FEW_COLOURS, dither=Image.Dither.NONE) if _has_few_colours(array) else picture
    if few or pixelated:
        return Picture(_data_uri(picture, "png", optimize=True), *picture.size)
    return Picture(_data_uri(picture, "webp", quality=QUALITY, method=4), *picture.size)


def _data_uri(picture: Image.Image, kind: str, **options: object) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _has_few_colours(array: np.ndarray) -> bool:
    packed = array.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    # A photograph shows its many colours within a few rows; only what passes there is counted in full.
    few_rows = packed[:: max(1, len(packed) // 16)]
    return len(np.unique(few_rows)) <= FEW_COLOURS and len(np.unique(packed)) <= FEW_COLOURS


def _as_array(image: torch.Tensor | np.ndarray) -> np.ndarray:
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu()
        return (image.float() if image.dtype in (torch.bfloat16, torch.float16) else image).numpy()
    if isinstance(image, np.ndarray):
        return image
    raise TypeError(f"expected a tensor or a NumPy array, got {type(image).__name__}")


def _levels(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"whole numbers ({array.dtype}) are labels, not a picture: use show.labels_to_rgb(labels)")
    if not np.isfinite(array).all():
        raise ValueError("the picture holds NaN or infinite values; show.colour(map) paints those in grey")
    if array.min() < -1e-3 or array.max() > 1 + 1e-3:
        got = f"[{array.min():.3g}, {array.max():.3g}]"
        raise ValueError(f"expected values in [0, 1], got {got}; clamp them, or use show.colour(map)")
    return np.rint(array.clip(0, 1) * 255).astype(np.uint8)


def _shape(image: torch.Tensor | np.ndarray) -> tuple[int, ...]:
    return tuple(image.shape)


def _advice(array: np.ndarray) -> str:
    if array.ndim == 4:
        return "; pick one of the batch, for example images[0]"
    if array.ndim == 3 and array.shape[-1] in (1, 3):
        return "; channels come first: image.permute(2, 0, 1)"
    return ""
