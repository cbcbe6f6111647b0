"""Middlebury optical flow: eight pairs of frames with dense, measured or rendered, ground truth."""

import struct
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.data.fusion_sets import files_of, read_field

FLO_TAG = 202021.25
"""The float that opens every .flo file, Middlebury's check that byte order is right."""

_UNKNOWN = 1e9


def middlebury() -> Dataset:
    """Eight sequences: rgb, rgb_next (3,H,W); flow (2,H,W) float32, pixels, 0 where unknown; valid (H,W) bool.

    Read as repacked (<seq>/flow10.npz, NaN = unknown, float16: errors up to 0.008 px) or as published (other-data or
    other-color-twoframes, and other-gt-flow with flow10.flo). Judge a flow on `valid` only.
    """
    folder = set_folder("middlebury")
    frames, flows, variant = _layout(folder)
    names = tuple(sorted(p.parent.name for p in frames.glob("*/frame10.png")))
    files = {
        "rgb": {n: frames / n / "frame10.png" for n in names},
        "rgb_next": {n: frames / n / "frame11.png" for n in names},
        "flow": {n: next(iter(sorted((flows / n).glob("flow10.*"))), flows / n / "flow10.npz") for n in names},
    }
    _require(files, names, folder)
    readers = {k: partial(read_field, folder, files[k], 3) for k in ("rgb", "rgb_next")}
    readers |= {
        "flow": partial(_read_flow, folder, files["flow"]),
        "valid": partial(_read_valid, folder, files["flow"]),
    }
    return from_readers("middlebury", None, variant, names, readers, folder=folder, files=partial(files_of, files))


def read_flo(path: str | Path) -> tuple[Tensor, Tensor]:
    """Middlebury's .flo -> flow (2,H,W) float32 with 0 where unknown, valid (H,W) bool (unknown: above 1e9 or NaN).

    ValueError for a wrong tag, impossible size, or a file that is too short or too long.
    """
    data = Path(path).read_bytes()
    if len(data) < 12 or struct.unpack("<f", data[:4])[0] != FLO_TAG:
        raise ValueError(f"{path}: expected a .flo file (it starts with the float {FLO_TAG}), got something else")
    width, height = struct.unpack("<ii", data[4:12])
    if width <= 0 or height <= 0 or len(data) != 12 + 8 * width * height:
        raise ValueError(
            f"{path}: expected {width}x{height} vectors after the header, got {len(data) - 12} bytes; truncated"
        )
    array = np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2)
    return _split_unknown(array.astype(np.float32))


def read_flow_npz(path: str | Path) -> tuple[Tensor, Tensor]:
    """The repacked flow (key `flow`, [H,W,2], NaN = unknown) -> flow (2,H,W) float32 and valid (H,W) bool."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            array = archive["flow"].astype(np.float32)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path}: expected an .npz with the key 'flow' ({error}); delete it and obtain it again"
        ) from None
    if array.ndim != 3 or array.shape[2] != 2:
        raise ValueError(f"{path}: expected flow [H,W,2], got {list(array.shape)}")
    return _split_unknown(array)


def _split_unknown(array: np.ndarray) -> tuple[Tensor, Tensor]:
    valid = (np.abs(array) < _UNKNOWN).all(2)  # False for NaN too
    flow = np.where(valid[:, :, None], array, 0).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(flow)), torch.from_numpy(valid)


def _layout(folder: Path) -> tuple[Path, Path, str]:
    """Folders of frames and flows, and the variant's name."""
    for sub in ("other-data", "other-color-twoframes/other-data"):
        for flows in ("other-gt-flow", "other-gt-flow/other-gt-flow"):
            if (folder / sub).is_dir() and any((folder / flows).glob("*/flow10.flo")):
                return folder / sub, folder / flows, "middlebury-flo"
    if any(folder.glob("*/frame10.png")):
        return folder, folder, "middlebury-float16"
    raise DataMissing(f"middlebury: no */frame10.png in {folder}; obtain the set with: {command('middlebury')}")


def _require(files: dict[str, dict[str, Path]], names: tuple[str, ...], folder: Path) -> None:
    absent = [path for by_name in files.values() for path in by_name.values() if not path.is_file()]
    if absent or not names:
        listed = ", ".join(str(p.relative_to(folder)) for p in absent[:3])
        raise DataMissing(f"middlebury: {len(absent)} files missing ({listed}); complete with: {command('middlebury')}")


def _flow(folder: Path, files: dict[str, Path], name: str) -> tuple[Tensor, Tensor]:
    path = verified(folder, files[name])
    return read_flo(path) if path.suffix == ".flo" else read_flow_npz(path)


def _read_flow(folder: Path, files: dict[str, Path], name: str) -> Tensor:
    return _flow(folder, files, name)[0]


def _read_valid(folder: Path, files: dict[str, Path], name: str) -> Tensor:
    return _flow(folder, files, name)[1]
