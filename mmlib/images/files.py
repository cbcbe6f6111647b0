"""Image and label files: read, write, and one clear error for each way a file can be wrong."""

import os
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFile
from torch import Tensor

from mmlib.images.convert import check_labels, from_hwc, from_uint8, luma8, save_jpeg, to_hwc

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, zlib.error, Image.DecompressionBombError)


def read_image(path: str | Path, channels: int | None = 3) -> Tensor:
    """Read an image file as float32 (channels,H,W) in [0, 1].

    channels=3: grey files are repeated three times; channels=1: colour files become `luma8`; None: as stored, 1 or 3.
    16-bit grey is divided by 65535 and keeps its precision. A palette is looked up. An alpha channel is dropped where
    it is opaque everywhere. EXIF rotation is not applied. FileNotFoundError for a missing file; ValueError, naming the
    file, for empty, truncated or non-image files, visible transparency, and modes whose conversion would be a guess
    (CMYK, 16-bit colour, float or 32-bit pixels).
    """
    if channels not in (1, 3, None):
        raise ValueError(f"channels: expected 1, 3 or None (as stored), got {channels!r}")
    image = _pixels(_open(path), path)
    if channels == 1 and image.shape[0] == 3:
        return from_uint8(luma8(image))
    if channels == 3 and image.shape[0] == 1:
        return image.repeat(3, 1, 1)
    return image


def read_luma(path: str | Path) -> Tensor:
    """Read an image file's luma as float32 (1,H,W) in [0, 1], as OpenCV's grayscale flag and libjpeg do.

    A JPEG stores its luma, which is returned as it is; going through RGB moves it by some grey levels where a colour
    was saturated. Any other file gives the luma of `read_image(path, channels=1)`. Errors as `read_image`.
    """
    picture = _open(path, decode=False)
    if picture.format == "JPEG" and picture.mode == "RGB":
        picture.draft("L", picture.size)
        try:
            return from_hwc(np.asarray(picture))
        except _BROKEN as error:
            raise ValueError(
                f"{path}: truncated or damaged image ({error}); delete it and download it again"
            ) from error
    return read_image(path, channels=1)


def read_labels(path: str | Path, num_classes: int | None = None) -> Tensor:
    """Read a label image as int64 (H,W), its stored integers: 8 or 16 bit grey, or the indices of a paletted PNG.

    With `num_classes`, ids must lie in 0..num_classes-1 or be 255 (ignore). FileNotFoundError for a missing file;
    ValueError for broken files, colour pictures, lossy files (JPEG changes ids) and ids out of range.
    """
    picture = _open(path)
    if picture.format in ("JPEG", "WEBP"):
        raise ValueError(f"{path}: expected a lossless label image, got {picture.format}, which alters ids; use PNG")
    if picture.mode not in ("1", "L", "P", "I;16", "I;16B", "I"):
        raise ValueError(
            f"{path}: expected label ids (grey or paletted), got a {picture.mode} picture; "
            "map its colours to ids first, with the data set's palette"
        )
    labels = torch.from_numpy(np.asarray(picture).astype(np.int64))
    if num_classes is not None:
        check_labels(labels, num_classes, name=str(path))
    return labels


def image_size(path: str | Path) -> tuple[int, int]:
    """(height, width) from the file's header, without decoding the pixels. Errors as `read_image`."""
    with _open(path, decode=False) as picture:
        return picture.height, picture.width


def write_image(path: str | Path, image: Tensor, quality: int = 95) -> None:
    """Write (1,H,W) or (3,H,W), float in [0, 1] or uint8, as .png (lossless 8 bit) or .jpg (`quality`, 4:2:0).

    The file appears complete or not at all. ValueError for another suffix and as `to_uint8`.
    """
    _save(Path(path), Image.fromarray(to_hwc(image)), quality)


def write_labels(path: str | Path, labels: Tensor, palette: np.ndarray | None = None) -> None:
    """Write ids (H,W), 0..255, as an 8-bit .png; `palette` (N,3) uint8 only colours it for viewers, ids stay.

    ValueError for ids that do not fit, another shape, or a suffix other than .png.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path}: labels are written as .png, which keeps ids; got {path.suffix or 'no suffix'}")
    if labels.ndim != 2 or labels.is_floating_point() or labels.min() < 0 or labels.max() > 255:
        raise ValueError(f"expected integer ids 0..255 of shape (H,W), got {labels.dtype} {tuple(labels.shape)}")
    picture = Image.fromarray(labels.to(torch.uint8).cpu().numpy())
    if palette is not None:
        picture.putpalette(np.asarray(palette, np.uint8).tobytes())
    _save(path, picture, quality=None)


def _open(path: str | Path, decode: bool = True) -> Image.Image:
    """Open a file with Pillow, decode it fully, and turn every way this can fail into one clear error."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; check the path, or obtain the data with data_scripts/")
    if path.is_dir() or path.stat().st_size == 0:
        raise ValueError(
            f"{path}: expected an image file, got {'a folder' if path.is_dir() else 'an empty file (0 bytes)'}"
        )
    tolerant, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        picture = Image.open(path)
        if decode:
            picture.load()
        return picture
    except Image.UnidentifiedImageError:
        raise ValueError(
            f"{path}: expected an image file, got something else (unknown format); download it again"
        ) from None
    except _BROKEN as error:
        raise ValueError(f"{path}: truncated or damaged image ({error}); delete it and download it again") from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = tolerant


def _pixels(picture: Image.Image, path: str | Path) -> Tensor:
    """The decoded picture as float32 (1 or 3,H,W) in [0, 1]."""
    if picture.mode in ("I;16", "I;16B", "I;16L", "I") and picture.format in ("PNG", "TIFF", "PPM"):
        values = np.asarray(picture).astype(np.int64)
        if values.min() >= 0 and values.max() <= 65535:
            return torch.from_numpy(values[None]).to(torch.float32) / 65535
    if picture.mode in ("LA", "RGBA", "PA") or "transparency" in picture.info:
        picture = _opaque(picture, path)
    if picture.mode == "P":
        picture = picture.convert("RGB")
    if picture.mode == "1":
        picture = picture.convert("L")
    if picture.mode not in ("L", "RGB") or _is_deep_colour(path):
        deep = "16-bit colour" if picture.mode == "RGB" else f"mode {picture.mode}"
        raise ValueError(
            f"{path}: expected 8-bit RGB, or 8 or 16-bit grey, got {deep}; convert the file explicitly first"
        )
    return from_hwc(np.asarray(picture))


def _opaque(picture: Image.Image, path: str | Path) -> Image.Image:
    """The picture without an alpha channel that says nothing; an error where something shines through."""
    picture = picture.convert("RGBA" if picture.mode in ("P", "PA", "RGB", "RGBA") else "LA")
    lowest = picture.getchannel("A").getextrema()[0]
    if lowest < 255:
        raise ValueError(
            f"{path}: expected an opaque image, got transparency (alpha down to {lowest}); flatten it first"
        )
    return picture.convert("RGB" if picture.mode == "RGBA" else "L")


def _is_deep_colour(path: str | Path) -> bool:
    """Whether a PNG holds 16-bit colour, which Pillow would silently cut to 8 bits (depth and type stand in IHDR)."""
    with open(path, "rb") as file:
        head = file.read(26)
    return head[:8] == b"\x89PNG\r\n\x1a\n" and head[24] == 16 and head[25] in (2, 6)


def _save(path: Path, picture: Image.Image, quality: int | None) -> None:
    """Write beside the target and rename, so that a killed process never leaves half a picture under the name."""
    suffix = path.suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg"):
        raise ValueError(f"{path}: expected a name ending in .png, .jpg or .jpeg")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if suffix == ".png":
            picture.save(part, "PNG")
        else:
            save_jpeg(picture, part, quality, "4:2:0")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
