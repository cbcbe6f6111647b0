"""Optical flow that was computed before and lies beside a data set: where, in which files, and what made it.

A flow of the set `name` lies in <the set's folder>/flow/<method>/<towards>/<sample>.npz. `towards` says which frame it
leads to, "next" (t+1) or "previous" (t-1); it lives on the grid of the sample's own frame. Read are .npz (key `flow`,
[H,W,2], as data_scripts/flow.py writes it), .npy ([H,W,2]) and Middlebury's .flo, whatever program wrote them; vectors
are (u right, v down) in pixels of that size, NaN or above 1e9 where unknown.
"""

import io
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmlib.data.dataset import Dataset
from mmlib.data.folders import DataMissing, verified
from mmlib.data.middlebury import read_flo, read_flow_npz
from mmlib.files import replace_file

TOWARDS = ("previous", "next")
SUFFIXES = (".npz", ".npy", ".flo")
SETTINGS = "settings.json"
_FIELDS = ("flow", "valid")
_LONGEST = 65504.0  # what float16 can hold


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
        fields=(*dataset.fields, "flow", "valid"),
        read=partial(_read_both, dataset.read, dataset.folder, files),
        files=partial(_files_of_both, dataset.files, files),
    )


def existing(base: Path, name: str) -> Path | None:
    """The flow file of a sample in a folder of flows, whatever its suffix; None where there is none."""
    return next((path for suffix in SUFFIXES if (path := base / f"{name}{suffix}").is_file()), None)


def read_flow_file(path: Path) -> tuple[Tensor, Tensor]:
    """A flow file -> flow (2,H,W) float32 in pixels, 0 where unknown, and valid (H,W) bool.

    ValueError for another suffix, a truncated file, or an array that is not [H,W,2] of floats.
    """
    if path.suffix == ".flo":
        return read_flo(path)
    if path.suffix == ".npz":
        return read_flow_npz(path)
    if path.suffix != ".npy":
        raise ValueError(f"{path}: expected a flow file in {', '.join(SUFFIXES)}; convert it first")
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path}: expected an array [H,W,2] ({error}); delete it and compute it again") from None
    if array.ndim != 3 or array.shape[2] != 2 or array.dtype.kind != "f":
        raise ValueError(f"{path}: expected floats [H,W,2], got {array.dtype} {list(array.shape)}; compute it again")
    flow = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1).astype(np.float32)))
    valid = (flow.abs() < 1e9).all(0)
    return flow.where(valid, 0), valid


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


def keep_settings(base: Path, settings: dict) -> None:
    """Write how the flows of a folder are made, or compare with how they were: one folder never mixes two ways.

    ValueError if they differ; the flows there were made otherwise.
    """
    path = base / SETTINGS
    text = json.dumps(settings, sort_keys=True)
    if not path.is_file():
        replace_file(path, f"{text}\n".encode())
    elif (before := json.loads(path.read_text())) != json.loads(text):
        raise ValueError(f"{base}: expected the settings {before}, got {settings}; give this way another --name")


def _read_both(read, folder: Path, files: dict[str, Path], name: str, fields: tuple[str, ...]) -> dict:
    sample = read(name, tuple(f for f in fields if f not in _FIELDS))
    if set(fields) & set(_FIELDS):
        sample |= dict(zip(_FIELDS, read_flow_file(verified(folder, files[name]))))
    return {field: sample[field] for field in fields}


def _files_of_both(others, files: dict[str, Path], name: str) -> list[Path]:
    return [*others(name), files[name]]
