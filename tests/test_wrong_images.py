"""Pictures, labels and masks as they come from elsewhere: the right value, a warning, or an error that says which file.

Files that once broke something lie in the folder MMLIB_CASES; everything else is made here.
"""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmlib import images
from mmlib.images import files

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8)
COLOUR = np.stack([RAMP, RAMP * 2, RAMP * 3], axis=2)
READERS = {"image": images.read_image, "labels": images.read_labels, "mask": images.read_mask, "luma": images.read_luma,
           "size": images.image_size}  # fmt: skip


def encoded(picture, kind, **options):
    """The bytes of a picture, from an array or as Pillow has it."""
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width, height, depth, colour, rows=b"", claim=None):
    """A PNG written by hand: any bit depth and colour type; `claim`: another size in its header."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", *(claim or (width, height)), depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(bits, samples, photometric, data, width=4, height=1):
    """An uncompressed little-endian TIFF written by hand."""
    tags = [(256, 3, width), (257, 3, height), (258, 3, bits), (259, 3, 1), (262, 3, photometric), (277, 3, samples)]
    tags += [(278, 3, height), (279, 4, len(data))]
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    extra = b""
    if samples > 1:  # one number of bits per sample, which does not fit into the tag
        extra = struct.pack(f"<{samples}H", *[bits] * samples)
        tags[2] = (258, 3, start)
    tags.append((273, 4, start + len(extra)))
    directory = b""
    for tag, kind, value in sorted(tags):
        count = samples if tag == 258 else 1
        packed = struct.pack("<I", value) if kind == 4 or (tag == 258 and samples > 1) else struct.pack("<HH", value, 0)
        directory += struct.pack("<HHI", tag, kind, count) + packed
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + directory + struct.pack("<I", 0)
    return head + extra + data


def oriented(number, kind="JPEG"):
    exif = Image.Exif()
    exif[0x0112] = number
    return encoded(COLOUR, kind, exif=exif)


def pages(kind):
    first, second = Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)
    return encoded(first, kind, save_all=True, append_images=[second])


def frames_of(kind, keep):
    whole = encoded(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8), kind)
    return whole[: int(keep * len(whole))]


RGB16 = np.arange(12, dtype="<u2").tobytes()
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
BROKEN = {"nothing": b"", "text": b"<html>404</html>", "zeros": bytes(300), "postscript": POSTSCRIPT,
          "gif": encoded(RAMP, "GIF"), "jp2": encoded(COLOUR, "JPEG2000"), "signature alone": b"\x89PNG\r\n\x1a\n",
          "ico": encoded(Image.fromarray(COLOUR).resize((16, 16)), "ICO"),
          "huge": png(9, 9, 8, 0, claim=(60000, 60000)), "wide": png(9, 9, 8, 0, claim=(2**31 - 1, 2)),
          "just too large": png(1, 1, 8, 0, claim=(8193, 8192)), "short rows": png(9, 9, 8, 0, rows=b"\0" * 12),
          "pages of TIFF": pages("TIFF"), "animated PNG": pages("PNG"), "animated WebP": pages("WEBP")}  # fmt: skip
TORN = {f"{kind} at {keep}": frames_of(kind, keep) for kind in ("PNG", "JPEG", "TIFF", "BMP", "PPM", "WEBP")
        for keep in (0.02, 0.6)}  # fmt: skip

WRONG = [  # name, bytes, reader, message
    *((name, content, reader, "expected an image|truncated or damaged|expected at most|expected one picture|empty")
      for name, content in BROKEN.items() for reader in ("image", "labels", "mask")),
    *((name, content, reader, "expected an image|truncated or damaged")
      for name, content in TORN.items() for reader in ("image", "luma")),
    *(("too large", png(1, 1, 8, 0, claim=(9000, 9000)), reader, r"at most \d+ pixels, got 9000x9000; cut it")
      for reader in READERS),
    *((name, content, reader, "PNG, JPEG, TIFF, BMP, PPM, WEBP.*got something else")
      for name, content in (("eps", POSTSCRIPT), ("jp2", encoded(RAMP, "JPEG2000"))) for reader in READERS),
    ("RGB of 16 bits, TIFF", tiff(16, 3, 2, RGB16), "image", "got 16-bit colour, which would be cut to 8"),
    ("RGB of 16 bits, PNG", png(1, 1, 16, 2, b"\0" + RGB16[:6]), "image", "got 16-bit colour"),
    ("RGB of 16 bits, PNG", png(1, 1, 16, 2, b"\0" + RGB16[:6]), "luma", "got 16-bit colour"),
    ("RGBA of 16 bits, PNG", png(1, 1, 16, 6, b"\0" + RGB16[:8]), "image", "got 16-bit colour"),
    ("grey and alpha of 16 bits", png(1, 1, 16, 4, b"\0" + RGB16[:4]), "image", "got 16-bit (colour|grey with alpha)"),
    ("PPM of 16 bits", b"P6\n2 1\n65535\n" + bytes(12), "image", "got 16-bit colour"),
    ("PPM of 12 bits", b"P6 # twelve\n2 1\n4095\n" + bytes(12), "image", "got 16-bit colour"),
    ("plain PPM of 10 bits", b"P3\n1 1\n1023\n1 2 3\n", "image", "got 16-bit colour"),
    ("TIFF of 32-bit integers", encoded(Image.fromarray(np.int32([[7, 70000]])), "TIFF"), "image", "mode I"),
    ("TIFF of floats", encoded(np.float32([[21.5, 30]]), "TIFF"), "image", "mode F"),
    ("TIFF of floats", encoded(np.float32([[21.5, 30]]), "TIFF"), "labels", "got a F picture"),
    ("CMYK", encoded(Image.new("CMYK", (4, 4)), "JPEG"), "image", "mode CMYK"),
    ("Lab", encoded(Image.new("LAB", (4, 4)), "TIFF"), "image", "mode LAB"),
    ("JPEG labels", encoded(RAMP, "JPEG", quality=100), "labels", "lossless label image, got JPEG"),
    ("JPEG mask", encoded(RAMP, "JPEG"), "mask", "lossless label image, got JPEG"),
    ("WebP labels", encoded(RAMP, "WEBP"), "labels", "lossless label image, got WEBP"),
    ("JPEG in TIFF", encoded(RAMP, "TIFF", compression="jpeg"), "labels", "got TIFF with jpeg compression"),
    ("JPEG in TIFF", encoded(RAMP, "TIFF", compression="jpeg"), "mask", "got TIFF with jpeg compression"),
    ("JPEG 2000 labels", encoded(RAMP, "JPEG2000"), "labels", "got something else"),
    ("colour as labels", encoded(COLOUR, "PNG"), "labels", "got a RGB picture"),
    ("alpha as labels", encoded(Image.new("LA", (4, 4)), "PNG"), "labels", "got a LA picture"),
    ("a mask with three ids", encoded(np.uint8([[0, 1, 255]]), "PNG"), "mask", r"got ids \[0, 1, 255\]"),
    ("a mask of 7", encoded(np.uint8([[7]]), "PNG"), "mask", r"got ids \[7\]"),
    ("glass", encoded(Image.new("RGBA", (4, 4), (1, 2, 3, 9)), "PNG"), "image", "alpha down to 9"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # Pillow warns, we refuse
@pytest.mark.parametrize(("name", "content", "reader", "message"), WRONG, ids=lambda x: x if isinstance(x, str) else "")
def test_a_file_that_is_wrong_is_named_and_refused(tmp_path, name, content, reader, message):
    path = tmp_path / "a b-ö.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        READERS[reader](path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_and_no_file(tmp_path, reader):
    with pytest.raises(ValueError, match="got a folder"):
        READERS[reader](tmp_path)
    with pytest.raises(FileNotFoundError, match="check the path"):
        READERS[reader](tmp_path / "none.png")


# --- right values

STORED = [  # name, bytes, ids as they are stored
    ("grey of 1 bit", png(8, 1, 1, 0, b"\0\xa5"), [1, 0, 1, 0, 0, 1, 0, 1]),
    ("grey of 2 bits", png(4, 1, 2, 0, b"\0\x1b"), [0, 1, 2, 3]),
    ("grey of 4 bits", png(4, 1, 4, 0, b"\0\x07\x9f"), [0, 7, 9, 15]),
    ("grey of 8 bits", encoded(np.uint8([[0, 7, 254, 255]]), "PNG"), [0, 7, 254, 255]),
    ("grey of 16 bits", encoded(np.uint16([[0, 300, 65535]]), "PNG"), [0, 300, 65535]),
    ("TIFF of 4 bits", tiff(4, 1, 1, b"\x07\x9f"), [0, 7, 9, 15]),
    ("TIFF of 2 bits", tiff(2, 1, 1, b"\x1b"), [0, 1, 2, 3]),
    ("TIFF of 1 bit", tiff(1, 1, 1, b"\xa0"), [1, 0, 1, 0]),
    ("TIFF of 8 bits", tiff(8, 1, 1, b"\0\7\x10\xff"), [0, 7, 16, 255]),
    ("TIFF, white is 0", tiff(8, 1, 0, b"\0\7\x10\xff"), [0, 7, 16, 255]),
    ("TIFF of 1 bit, white is 0", tiff(1, 1, 0, b"\xa0"), [1, 0, 1, 0]),
    ("TIFF, LZW", encoded(np.uint8([[0, 7, 16, 255]]), "TIFF", compression="tiff_lzw"), [0, 7, 16, 255]),
    ("PGM, largest 8", b"P5\n9 1\n8\n" + bytes(range(9)), list(range(9))),
    ("PGM, largest 100", b"P5\n101 1\n100\n" + bytes(range(101)), list(range(101))),
    ("PGM, largest 254", b"P5\n255 1\n254\n" + bytes(range(255)), list(range(255))),
    ("PGM, largest 255", b"P5\n3 1\n255\n\0\7\xff", [0, 7, 255]),
    ("PGM, largest 1000", b"P5\n3 1\n1000\n" + struct.pack(">3H", 0, 7, 1000), [0, 7, 1000]),
    ("plain PGM, largest 8", b"P2\n3 1\n8\n0 7 8\n", [0, 7, 8]),
    ("PBM", b"P4\n4 1\n\xa0", [1, 0, 1, 0]),
    ("plain PBM", b"P1\n4 1\n1 0 1 0\n", [1, 0, 1, 0]),
    ("BMP", encoded(np.uint8([[0, 7, 255]]), "BMP"), [0, 7, 255]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "ids"), STORED, ids=[row[0] for row in STORED])
def test_labels_are_the_stored_integers(tmp_path, name, content, ids):
    path = tmp_path / "labels"
    path.write_bytes(content)
    assert images.read_labels(path).tolist() == [ids]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("number", range(1, 9))
def test_a_picture_is_turned_as_exif_says(tmp_path, kind, number):
    path = tmp_path / "turned"
    path.write_bytes(oriented(number, kind))
    upright = {1: lambda x: x, 2: np.fliplr, 3: lambda x: np.rot90(x, 2), 4: np.flipud, 5: lambda x: x.swapaxes(0, 1),
               6: lambda x: np.rot90(x, -1), 7: lambda x: np.rot90(x, 2).swapaxes(0, 1), 8: np.rot90}  # fmt: skip
    expected = upright[number](COLOUR)
    read = images.to_hwc(images.read_image(path))
    assert read.shape == expected.shape == (*images.image_size(path), 3)
    assert images.read_luma(path).shape[1:] == read.shape[:2]
    if kind in ("PNG", "TIFF"):
        assert np.array_equal(read, expected)
    else:  # lossy: nearer to the right picture than to any other way of turning
        ways = [turn(COLOUR) for turn in upright.values()]
        errors = [np.abs(way.astype(int) - read).mean() for way in ways if way.shape == read.shape]
        assert min(errors) == np.abs(expected.astype(int) - read).mean()


def test_16_bits_that_fill_little_of_their_range_are_warned_of(tmp_path):
    Image.fromarray(np.uint16([[7001, 7988]])).save(tmp_path / "raw.png")
    with pytest.warns(UserWarning, match="raw.png: 16 bits whose values lie between 7001 and 7988.*stretch them"):
        read = images.read_image(tmp_path / "raw.png", 1)
    assert torch.equal((read * 65535).round().long(), torch.tensor([[[7001, 7988]]]))


def test_masks_that_pass_for_labels_are_warned_of(tmp_path, recwarn):
    for number, values in enumerate(([[0, 255]], [[0, 1, 255]], [[0, 0]], [[255, 255]])):
        Image.fromarray(np.uint8(values)).save(tmp_path / f"{number}.png")
        images.read_labels(tmp_path / f"{number}.png", num_classes=2)
        assert len(recwarn) == 1, "the first of them only"
    assert "0.png: the ids are 0 and 255 only" in str(recwarn[0].message) and "read_mask" in str(recwarn[0].message)
    assert images.read_mask(tmp_path / "0.png").tolist() == [[False, True]]
    assert len(recwarn) == 1


def test_the_limit_is_on_pixels_not_on_bytes(tmp_path, monkeypatch):
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    monkeypatch.setattr(files, "LARGEST", 48)
    assert images.image_size(tmp_path / "a.png") == (6, 8)
    monkeypatch.setattr(files, "LARGEST", 47)
    with pytest.raises(ValueError, match="expected at most 47 pixels, got 8x6"):
        images.read_image(tmp_path / "a.png")


# --- files that once broke something


@pytest.fixture
def case():
    found = [os.environ.get("MMLIB_CASES"), Path(__file__).resolve().parents[1] / "../shared/cases"]
    folder = next((Path(path) for path in found if path and Path(path).is_dir()), None)
    if folder is None:
        pytest.skip("no such files: set MMLIB_CASES")
    return folder.__truediv__


def test_label_files_that_once_broke_something(case):
    assert images.read_labels(case("grey2_labels.png")).unique().tolist() == [0, 1, 2, 3]
    assert images.read_labels(case("lab_maxval8.pgm")).unique().tolist() == list(range(9))
    with pytest.raises(ValueError, match=r"label.jp2: expected an image file \(PNG"):
        images.read_labels(case("label.jp2"))
    with pytest.warns(UserWarning, match="read_mask"):
        images.read_labels(case("mask_0_255.png"))
    assert images.read_mask(case("mask_0_255.png")).dtype == torch.bool


def test_pictures_that_once_broke_something(case):
    with pytest.raises(ValueError, match="rgb16.tiff: .*16-bit colour"):
        images.read_image(case("rgb16.tiff"))
    with pytest.raises(ValueError, match="celsius_float.tiff: .*mode F"):
        images.read_image(case("celsius_float.tiff"))
    assert images.read_image(case("exif6.jpg")).shape == (3, 64, 48) and images.image_size(case("exif6.jpg")) == (
        64,
        48,
    )
    with pytest.warns(UserWarning, match="values lie between 7000 and 7990"):
        images.read_image(case("thermal14in16.png"), 1)
