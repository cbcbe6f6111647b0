"""Files of optical flow; and flow that was computed before and lies beside a data set: where, and what made it.

A flow of the set `name` lies in <the set's folder>/flow/<method>/<towards>/<sample>.npz. `towards` says which frame it
leads to, "next" (t+1) or "previous" (t-1); it lives on the grid of the sample's own frame. Read are .npz (key `flow`,
[H,W,2], as data_scripts/flow.py writes it), .npy ([H,W,2]), Middlebury's .flo, KITTI's 16-bit .png and .pfm; vectors
are (u right, v down) in pixels of that size, NaN or above 1e9 where unknown.
"""

import io
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmlib.data.dataset import Dataset
from mmlib.data.folders import DataMissing, verified
from mmlib.files import read_arrays, read_json, replace_file
from mmlib.images import image_size

TOWARDS = ("previous", "next")
SUFFIXES = (".npz", ".npy", ".flo", ".png", ".pfm")
SETTINGS = "settings.json"
FLO_TAG = 202021.25
"""The float that opens every .flo file, Middlebury's check that byte order is right."""

_FIELDS = ("flow", "valid")
_UNKNOWN = 1e9
_LONGEST = 65504.0  # what float16 can hold


# --- files


def read_flow_file(path: Path) -> tuple[Tensor, Tensor]:
    """A flow file -> flow (2,H,W) float32 in pixels, 0 where unknown, and valid (H,W) bool.

    KITTI's .png holds u and v as 64 (u, v) + 2^15 in 16 bits, and in its third channel whether they are known. A .pfm
    has two or three channels, of which the first two are u and v, and its lowest row comes first.
    ValueError for another suffix, a truncated or damaged file, a .flo with a wrong tag or size, a .png that is not 16
    bits of colour, or an array that is not [H,W,2] of floats.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: expected a flow file in {', '.join(SUFFIXES)}; convert it first")
    try:
        if path.suffix == ".flo":
            array = _flo(path.read_bytes())
        elif path.suffix == ".png":
            array = _kitti(path)
        elif path.suffix == ".pfm":
            array = _pfm(path.read_bytes())
        else:
            array = read_arrays(path, "flow")[0]
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: expected a flow [H,W,2] ({error}); delete it and obtain it again") from None
    if array.ndim != 3 or array.shape[2] != 2 or array.dtype.kind != "f":
        raise ValueError(f"{path}: expected floats [H,W,2], got {array.dtype} {list(array.shape)}; obtain it again")
    flow = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1), np.float32))
    valid = (flow.abs() < _UNKNOWN).all(0)  # False for NaN too
    return flow.where(valid, 0), valid


def _flo(content: bytes) -> np.ndarray:
    """The bytes of a .flo file -> [H,W,2]."""
    if len(content) < 12 or struct.unpack("<f", content[:4])[0] != FLO_TAG:
        raise ValueError(f"a .flo file starts with the float {FLO_TAG}, this one does not")
    width, height = struct.unpack("<ii", content[4:12])
    if width <= 0 or height <= 0 or len(content) != 12 + 8 * width * height:
        raise ValueError(f"{width}x{height} vectors announced, {len(content) - 12} bytes there")
    return np.frombuffer(content, "<f4", offset=12).reshape(height, width, 2)


def _kitti(path: Path) -> np.ndarray:
    """KITTI's PNG -> [H,W,2] float32, NaN where unknown. OpenCV reads it: Pillow would cut it to 8 bits."""
    import cv2

    content = path.read_bytes()
    if not content:
        raise ValueError("an empty file")
    stored = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint16 or stored.ndim != 3 or stored.shape[2] != 3:
        got = "no picture" if stored is None else f"{stored.dtype} {list(stored.shape)}"
        raise ValueError(f"a PNG of flow has three channels of 16 bits, this one is {got}")
    known, v, u = (stored[..., channel] for channel in range(3))  # OpenCV's order is blue, green, red
    flow = (np.stack([u, v], axis=-1).astype(np.float32) - 2**15) / 64
    flow[known == 0] = np.nan
    return flow


def _pfm(content: bytes) -> np.ndarray:
    """The bytes of a .pfm file with two or three channels -> [H,W,2] float32."""
    lines = content.split(b"\n", 3)
    sizes = lines[1].split() if len(lines) == 4 else []
    channels = {b"PF": 3, b"PF2": 2}.get(lines[0].strip())
    if channels is None or len(sizes) != 2:
        raise ValueError("a .pfm of flow starts with PF, its size and its scale, this one does not")
    width, height, scale = int(sizes[0]), int(sizes[1]), float(lines[2])
    if width <= 0 or height <= 0 or len(lines[3]) != 4 * channels * width * height:
        raise ValueError(f"{width}x{height} vectors announced, {len(lines[3])} bytes there")
    order = "<f4" if scale < 0 else ">f4"
    rows = np.frombuffer(lines[3], order).reshape(height, width, channels)
    return rows[::-1, :, :2].astype(np.float32)


def write_flow(path: Path, flow: Tensor) -> None:
    """Write a flow (2,H,W), float, pixels, NaN = unknown, as a compressed .npz in half precision.

    The file appears complete or not at all. Half precision moves a vector of up to 16 pixels by at most 1/256 pixel, of
    up to 64 by 1/64. ValueError for another shape or suffix, or vectors beyond 65504 pixels.
    """
    if flow.ndim != 3 or flow.shape[0] != 2 or not flow.is_floating_point() or path.suffix != ".npz":
        raise ValueError(f"{path}: expected a float flow (2,H,W) and a name in .npz, got {tuple(flow.shape)}")
    if bool((flow.abs() > _LONGEST).any()):
        raise ValueError(f"{path}: a vector is longer than {_LONGEST:.0f} pixels; mark unknown ones as NaN")
    memory = io.BytesIO()
    np.savez_compressed(memory, flow=flow.permute(1, 2, 0).cpu().numpy().astype(np.float16))
    replace_file(path, memory.getvalue())


# --- beside a set


def flow_folder(folder: Path, method: str, towards: str) -> Path:
    """Where the flows of one method and direction lie. ValueError for another direction or a method with a slash."""
    if towards not in TOWARDS:
        raise ValueError(f"towards: expected one of {', '.join(TOWARDS)}, got {towards!r}")
    if not method or "/" in method or method.startswith("."):
        raise ValueError(f"method: expected a plain word such as 'dis', got {method!r}")
    return folder / "flow" / method / towards


def with_flow(dataset: Dataset, method: str, towards: str = "next") -> Dataset:
    """The set with two more fields: `flow` (2,H,W) float32 pixels, 0 where unknown, and `valid` (H,W) bool.

    The variant's name says whose flow it is. DataMissing, with the command that computes them, if a sample has none.
    """
    base = flow_folder(dataset.folder, method, towards)
    files = {name: path for name in dataset.names if (path := existing(base, name))}
    missing = [name for name in dataset.names if name not in files]
    if missing:
        split = f" --split {dataset.split}" if dataset.split else ""
        raise DataMissing(
            f"{dataset.name}: {len(missing)} of {len(dataset)} samples have no flow in {base}, such as {missing[0]} "
            f"(looked for {', '.join(SUFFIXES)}); compute what is missing with: "
            f"python data_scripts/flow.py {dataset.name}{split} --method {method} --towards {towards}"
        )
    return replace(
        dataset,
        variant=f"{dataset.variant}+flow-{method}-{towards}",
        fields=(*dataset.fields, *_FIELDS),
        read=partial(_read_both, dataset.read, dataset.folder, files),
        files=dataset.files | {"flow": files},
    )


def _read_both(read, folder: Path, files: dict[str, Path], name: str, fields: tuple[str, ...]) -> dict:
    sample = read(name, tuple(field for field in fields if field not in _FIELDS))
    if set(fields) & set(_FIELDS):
        sample |= dict(zip(_FIELDS, read_flow_file(verified(folder, files[name]))))
    return {field: sample[field] for field in fields}


def existing(base: Path, name: str) -> Path | None:
    """The flow file of a sample in a folder of flows, whatever its suffix; None where there is none."""
    return next((path for suffix in SUFFIXES if (path := base / f"{name}{suffix}").is_file()), None)


def keep_settings(base: Path, settings: dict) -> None:
    """Write how the flows of a folder are made, or compare with how they were: one folder never mixes two ways.

    ValueError if they differ; the flows there were made otherwise.
    """
    path = base / SETTINGS
    text = json.dumps(settings, sort_keys=True)
    if not path.is_file():
        replace_file(path, f"{text}\n".encode())
    elif (before := read_json(path)) != json.loads(text):
        raise ValueError(f"{base}: expected the settings {before}, got {settings}; give this way another --name")


def precompute_flow(
    dataset: Dataset,
    method: str,
    towards: str = "next",
    *,
    name: str | None = None,
    part: tuple[int, int] = (0, 1),
    tell: Callable[[int, int], None] | None = None,
    **options,
) -> int:
    """Write the flow of every sample that has none yet beside the set; returns how many were written.

    Args:
        dataset: has the fields rgb and rgb_next (or rgb_previous, as `towards` says) and a folder.
        method, options: those of mmlib.flow.estimate. Flow leads from `rgb` to that other frame, on the grid of `rgb`.
        name: what the flows are called in `load(..., flow=name)`; None: as the method.
        part: (i, n): only every n-th sample from the i-th on, so that n processes can share the work.
        tell: called with (samples done, samples in all) after each.

    Each file appears complete or not at all, so a run that was stopped is continued by the same call. Flows made in
    another way are never mixed in. ValueError for a set without the frame, a wrong part, or other settings than those
    of the flows that are there; the errors of `estimate` otherwise.
    """
    from mmlib.flow import estimate

    other = f"rgb_{towards}"
    base = flow_folder(dataset.folder, name or method, towards) if dataset.folder else None
    if base is None or not {"rgb", other} <= set(dataset.fields):
        raise ValueError(f"{dataset.name}: expected a set of files with rgb and {other}, got {dataset!r}")
    if not 0 <= part[0] < part[1]:
        raise ValueError(f"part: expected (i, n) with 0 <= i < n, got {part}")
    keep_settings(base, {"method": method, "towards": towards, "options": options})
    frames = dataset.select("rgb", other)
    mine = dataset.names[part[0] :: part[1]]
    written = 0
    for done, sample_name in enumerate(mine, 1):
        if existing(base, sample_name) is None:
            sample = frames[sample_name]
            flow = estimate(sample["rgb"][None], sample[other][None], method, **options)[0]
            write_flow(base / f"{sample_name}.npz", flow)
            written += 1
        if tell:
            tell(done, len(mine))
    return written


def check_flow(dataset: Dataset, name: str, towards: str = "next") -> list[str]:
    """What is wrong with the flows of a set, as sentences: absent, unreadable, or of another size than their image."""
    base, problems = flow_folder(dataset.folder, name, towards), []
    for sample_name in dataset.names:
        path = existing(base, sample_name)
        try:
            size = tuple(read_flow_file(path)[0].shape[1:]) if path else None
        except ValueError as error:
            problems.append(f"{sample_name}: {error}")
            continue
        expected = image_size(dataset.files["rgb"][sample_name])
        if size != expected:
            got = "x".join(map(str, size)) if size else "no file"
            problems.append(f"{sample_name}: expected a flow of {'x'.join(map(str, expected))}, got {got}")
    return problems
