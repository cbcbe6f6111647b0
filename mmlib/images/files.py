"""Image and label files: read, write, and one clear error for each way a file can be wrong."""

import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageFile, ImageOps
from torch import Tensor

from mmlib.images.convert import IGNORE, check_labels, from_hwc, from_uint8, luma8, save_jpeg, to_hwc

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "PPM", "WEBP")
"""What is opened. Pillow has readers for many more, of which one (EPS) starts a program."""

LARGEST = 2**26
"""Pixels of the largest picture that is decoded (8192 x 8192): a small file may announce any number of them."""

_BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, MemoryError, OverflowError, struct.error,
    zlib.error, Image.DecompressionBombError,
)  # fmt: skip
_LOSSLESS_TIFF = ("raw", "tiff_raw_16", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "lzma", "zstd",
                  "tiff_ccitt", "group3", "group4")  # fmt: skip
_LITTLE_OF_16_BITS = 65536 // 16


def read_image(path: str | Path, channels: int | None = 3) -> Tensor:
    """Read an image file as float32 (channels,H,W) in [0, 1].

    channels=3: grey files are repeated three times; channels=1: colour files become `luma8`; None: as stored, 1 or 3.
    16-bit grey is divided by 65535 and keeps its precision; a warning says so where it fills less than a sixteenth of
    that range. A palette is looked up. An alpha channel is dropped where it is opaque everywhere. A picture is turned
    as its EXIF orientation says. FileNotFoundError for a missing file; ValueError, naming the file, for empty,
    truncated, oversized (LARGEST) or non-image files (FORMATS), several pages, visible transparency, and modes whose
    conversion would be a guess (CMYK, 16-bit colour, 12-bit, float or 32-bit pixels).
    """
    if channels not in (1, 3, None):
        raise ValueError(f"channels: expected 1, 3 or None (as stored), got {channels!r}")
    image = _pixels(*open_picture(path), path)
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
    picture, _ = open_picture(path, grey_jpeg=True)
    if picture.format in ("JPEG", "MPO") and picture.mode == "L":
        return from_hwc(np.asarray(picture))
    return read_image(path, channels=1)


def read_labels(path: str | Path, num_classes: int | None = None) -> Tensor:
    """Read a label image as int64 (H,W), its stored integers: grey of 1 to 16 bits, or the indices of a paletted PNG.

    With `num_classes`, ids must lie in 0..num_classes-1 or be 255 (ignore). A warning where the ids are 0 and 255 and
    nothing else, which is how masks are stored. FileNotFoundError for a missing file; ValueError for broken files,
    colour pictures, lossy files (JPEG changes ids) and ids out of range.
    """
    labels = _stored_integers(path)
    if num_classes is not None:
        check_labels(labels, num_classes, name=str(path))
    if labels.unique().tolist() == [0, IGNORE]:
        warnings.warn(
            f"{path}: the ids are 0 and {IGNORE} only, and {IGNORE} means ignore, so that every pixel which counts is "
            "background; next: if it is a mask, read it with mmlib.images.read_mask",
            stacklevel=2,
        )
    return labels


def read_mask(path: str | Path) -> Tensor:
    """Read a mask as bool (H,W), True where the file holds 1 or 255. ValueError for other ids, and as `read_labels`."""
    ids = _stored_integers(path)
    found = ids.unique().tolist()
    if set(found) not in ({0}, {1}, {255}, {0, 1}, {0, 255}):
        raise ValueError(f"{path}: expected a mask of 0 and 1, or 0 and 255, got ids {found[:6]}")
    return ids > 0


def image_size(path: str | Path) -> tuple[int, int]:
    """(height, width) of what `read_image` gives, from the file's header, without decoding. Errors as `read_image`."""
    picture, _ = open_picture(path, decode=False)
    with picture:
        sideways = picture.format != "TIFF" and _orientation(picture) in (5, 6, 7, 8)  # Pillow turns TIFF by itself
        return (picture.width, picture.height) if sideways else (picture.height, picture.width)


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
    wrong = labels.ndim != 2 or labels.is_floating_point() or labels.numel() == 0
    if wrong or labels.min() < 0 or labels.max() > 255:
        raise ValueError(f"expected integer ids 0..255 of shape (H,W), got {labels.dtype} {tuple(labels.shape)}")
    picture = Image.fromarray(labels.to(torch.uint8).cpu().numpy())
    if palette is not None:
        picture.putpalette(np.asarray(palette, np.uint8).tobytes())
    _save(path, picture, quality=None)


def open_picture(path: str | Path, decode: bool = True, grey_jpeg: bool = False) -> tuple[Image.Image, str]:
    """The decoded picture, turned upright, and how its pixels are stored, as Pillow calls it ("L;2", "RGB;16B").

    Every way this can fail becomes one clear error. grey_jpeg: of a colour JPEG decode the luma only.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; check the path, or obtain the data with data_scripts/")
    if path.is_dir() or path.stat().st_size == 0:
        raise ValueError(
            f"{path}: expected an image file, got {'a folder' if path.is_dir() else 'an empty file (0 bytes)'}"
        )
    tolerant, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        picture = Image.open(path, formats=FORMATS)
        storage = _storage(picture)
        wrong = _refused(picture)
        if wrong is None and decode:
            if grey_jpeg and picture.format in ("JPEG", "MPO") and picture.mode == "RGB":
                picture.draft("L", picture.size)
            picture.load()
            picture = _upright(picture)
    except Image.UnidentifiedImageError:
        raise ValueError(
            f"{path}: expected an image file ({', '.join(FORMATS)}), got something else (unknown format); "
            "download it again, or convert it"
        ) from None
    except _BROKEN as error:
        raise ValueError(f"{path}: truncated or damaged image ({error}); delete it and download it again") from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = tolerant
    if wrong:
        raise ValueError(f"{path}: {wrong}")
    return picture, storage


def _storage(picture: Image.Image) -> str:
    """How the pixels of a picture that is not decoded yet are stored; a PPM's largest value follows a slash."""
    if not picture.tile:
        return picture.mode
    arguments = picture.tile[0][3]
    arguments = (arguments,) if isinstance(arguments, str) else arguments
    largest = f"/{arguments[1]}" if picture.format == "PPM" and len(arguments) == 2 else ""
    return f"{arguments[0]}{largest}"


def _refused(picture: Image.Image) -> str | None:
    """Why a picture is not decoded, from its header; None where nothing is against it."""
    if picture.width * picture.height > LARGEST:
        return (
            f"expected at most {LARGEST} pixels, got {picture.width}x{picture.height}; cut it into tiles, or raise "
            "mmlib.images.files.LARGEST if you trust the file"
        )
    pages = getattr(picture, "n_frames", 1)
    if pages > 1 and picture.format != "MPO":  # of a camera's MPO the others are small copies
        return f"expected one picture, got {pages} pages or frames; save the one you mean"
    return None


def _orientation(picture: Image.Image) -> int:
    """EXIF's number for how a picture is to be turned, 1 to 8; 1: as it is."""
    if "exif" not in picture.info:
        return 1
    return picture.getexif().get(ExifTags.Base.Orientation, 1)


def _upright(picture: Image.Image) -> Image.Image:
    """The decoded picture, turned as its EXIF orientation says."""
    if picture.format == "TIFF" or _orientation(picture) == 1:
        return picture
    turned = ImageOps.exif_transpose(picture)
    turned.format = picture.format
    return turned


def _stored_integers(path: str | Path) -> Tensor:
    """The integers of a lossless grey or paletted file, as they are stored, int64 (H,W)."""
    picture, storage = open_picture(path)
    squeezed = picture.info.get("compression") if picture.format == "TIFF" else None
    if picture.format in ("JPEG", "MPO", "WEBP") or (squeezed and squeezed not in _LOSSLESS_TIFF):
        got = f"{picture.format} with {squeezed} compression" if squeezed else picture.format
        raise ValueError(f"{path}: expected a lossless label image, got {got}, which alters ids; use PNG")
    if picture.mode not in ("1", "L", "P", "I;16", "I;16B", "I"):
        raise ValueError(
            f"{path}: expected label ids (grey or paletted), got a {picture.mode} picture; "
            "map its colours to ids first, with the data set's palette"
        )
    values = np.asarray(picture).astype(np.int64)
    kind, _, largest = storage.partition("/")
    if kind in ("1;I", "L;I"):  # white is stored as 0, and Pillow turned it round
        values = (1 if picture.mode == "1" else 255) - values
    elif kind in ("L;2", "L;4"):  # Pillow spreads 2 and 4 bits over 0..255
        values = values // (85 if kind == "L;2" else 17)
    elif largest:  # and the levels of a PGM over 0..255, or 0..65535
        values = np.rint(values * int(largest) / (65535 if picture.mode == "I" else 255)).astype(np.int64)
    elif picture.mode in ("1", "L", "P") and ";" in kind and kind not in ("1;R", "P;1", "P;2", "P;4", "P;4L"):
        raise ValueError(f"{path}: expected grey of 1, 2, 4, 8 or 16 bits, got the storage {kind}; save it as PNG")
    return torch.from_numpy(values)


def _pixels(picture: Image.Image, storage: str, path: str | Path) -> Tensor:
    """The decoded picture as float32 (1 or 3,H,W) in [0, 1]."""
    kind, _, largest = storage.partition("/")
    if kind in ("I;16", "I;16B", "I;16L", "I;16N") or (picture.mode == "I" and largest):
        return _deep_grey(np.asarray(picture).astype(np.int64), path)
    if picture.mode in ("1", "L", "LA", "RGB", "RGBA") and ("16" in kind or int(largest or 0) > 255):
        kept = "grey with alpha" if kind.startswith("LA") else "colour"
        raise ValueError(
            f"{path}: expected 8-bit RGB, or 8 or 16-bit grey, got 16-bit {kept}, which would be cut to 8; convert the "
            "file explicitly first"
        )
    if picture.mode in ("LA", "RGBA", "PA") or "transparency" in picture.info:
        picture = _opaque(picture, path)
    if picture.mode == "P":
        picture = picture.convert("RGB")
    if picture.mode == "1":
        picture = picture.convert("L")
    if picture.mode not in ("L", "RGB"):
        raise ValueError(
            f"{path}: expected 8-bit RGB, or 8 or 16-bit grey, got mode {picture.mode} ({kind}); convert the file "
            "explicitly first"
        )
    return from_hwc(np.asarray(picture))


def _deep_grey(values: np.ndarray, path: str | Path) -> Tensor:
    """Values 0..65535 (H,W) -> float32 (1,H,W) in [0, 1]; warns where they fill little of that range."""
    low, high = int(values.min()), int(values.max())
    if 0 < high - low < _LITTLE_OF_16_BITS:
        warnings.warn(
            f"{path}: 16 bits whose values lie between {low} and {high}, so that the picture has little or no contrast "
            "on the scale of 0 to 65535; next: stretch them to the range that you mean "
            f"(mmlib.data.load_pairs takes ir_range=({low}, {high}), for one)",
            stacklevel=3,
        )
    return torch.from_numpy(values[None]).to(torch.float32) / 65535


def _opaque(picture: Image.Image, path: str | Path) -> Image.Image:
    """The picture without an alpha channel that says nothing; an error where something shines through."""
    picture = picture.convert("RGBA" if picture.mode in ("P", "PA", "RGB", "RGBA") else "LA")
    lowest = picture.getchannel("A").getextrema()[0]
    if lowest < 255:
        raise ValueError(
            f"{path}: expected an opaque image, got transparency (alpha down to {lowest}); flatten it first"
        )
    return picture.convert("RGB" if picture.mode == "RGBA" else "L")


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
