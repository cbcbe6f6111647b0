"""One run, one JSON record: what was measured, on which data, by which code, where and how fast."""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from mmlib.runs.fingerprint import ROOT, code_fingerprint
from mmlib.runs.presets import check_preset

SCHEMA = 1
REQUIRED = {
    "schema": int,
    "chapter": str,
    "variant": str,
    "data": str,
    "data_fingerprint": str,
    "preset": str,
    "seed": int,
    "values": dict,
    "code_fingerprint": str,
    "commit": str,
    "versions": dict,
    "device": str,
    "wall_s": (int, float),
    "peak_memory_mib": (int, float),
    "made": str,
}


def record_path(folder: Path | str, *, chapter: str, variant: str, data: str, preset: str, seed: int) -> Path:
    """Where a record lies: ``FOLDER/CHAPTER/VARIANT-DATA-PRESET-SEED.json``."""
    return Path(folder) / chapter / f"{variant}-{data}-{preset}-{seed}.json"


def _commit() -> str:
    """The commit the working tree stands on, with ``+`` where tracked files differ from it; "unknown" outside git."""
    try:
        head = subprocess.check_output(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, text=True, stderr=subprocess.DEVNULL
        ).strip()
        changed = subprocess.check_output(["git", "status", "--porcelain", "-uno"], cwd=ROOT, text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed else "")


def _versions() -> dict[str, str]:
    """Versions of what can move a number."""
    names = ("torch", "torchvision", "kornia", "torchmetrics", "opencv-python-headless", "numpy", "pillow")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _device() -> str:
    """The device in words: the GPU's name, or the CPU's architecture and core count."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU {platform.machine()}, {os.cpu_count()} cores"


def _peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _finite(value: Any, where: str) -> None:
    """Refuse NaN and infinity anywhere in a record's values: JSON has no word for them; write None instead."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected finite numbers in a record, got {value} at {where}; next: write None and say why")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, inner in items:
        _finite(inner, f"{where}.{key}")


def check_record(record: dict[str, Any], source: str = "record") -> dict[str, Any]:
    """Return ``record`` if it has every required field in the right type.

    Raises:
        ValueError: a field is missing, of a wrong type, not finite, or the schema is another one.
    """
    if not isinstance(record, dict):
        raise ValueError(f"{source}: expected a JSON object, got {type(record).__name__}; next: make the record again")
    for key, kind in REQUIRED.items():
        if key not in record:
            raise ValueError(f"{source}: expected the field {key!r}, it is missing; next: make the record again")
        if not isinstance(record[key], kind) or isinstance(record[key], bool):
            raise ValueError(f"{source}: expected {key!r} as {kind}, got {type(record[key]).__name__}")
    if record["schema"] != SCHEMA:
        raise ValueError(f"{source}: expected schema {SCHEMA}, got {record['schema']}; next: make the record again")
    check_preset(record["preset"])
    _finite(record["values"], "values")
    return record


def write_record(
    folder: Path | str,
    *,
    notebook: Path | str,
    chapter: str,
    data: str,
    data_fingerprint: str,
    preset: str,
    seed: int,
    values: dict[str, Any],
    wall_s: float,
    variant: str = "default",
) -> Path:
    """Write one run's record atomically and return its path.

    Args:
        folder: usually ``results``; made if absent.
        notebook: the notebook that made the numbers, relative to the root of the project; its code is fingerprinted.
        chapter: short name of the chapter or paper, such as "measuring".
        data: the data variant, such as "vifb" or "msrs-jpeg92".
        data_fingerprint: what identifies the data that was read.
        values: everything measured: nested dicts and lists of finite numbers, strings and None.
        wall_s: seconds the run took.

    Raises:
        ValueError: a value is not finite, or the preset is unknown. Nothing is written then.
    """
    record = {
        "schema": SCHEMA,
        "chapter": chapter,
        "variant": variant,
        "data": data,
        "data_fingerprint": data_fingerprint,
        "preset": preset,
        "seed": seed,
        "values": values,
        "code_fingerprint": code_fingerprint(ROOT / notebook),
        "commit": _commit(),
        "versions": _versions(),
        "device": _device(),
        "wall_s": round(wall_s, 2),
        "peak_memory_mib": _peak_memory_mib(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    check_record(record)
    path = record_path(folder, chapter=chapter, variant=variant, data=data, preset=preset, seed=seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8") as part:
        json.dump(record, part, indent=1, allow_nan=False)
        part.write("\n")
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)
    return path


def load_record(path: Path | str) -> dict[str, Any]:
    """Read and check one record.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is not a record (see :func:`check_record`) or not JSON.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"expected a record at {path}, there is none; next: make reproduce CHAPTER=...")
    try:
        return check_record(json.loads(path.read_text(encoding="utf-8")), str(path))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: expected JSON, got {error}; next: make the record again") from None


def find_record(**key: Any) -> dict[str, Any]:
    """The published record, in ``results/``, for chapter, variant, data, preset, seed (see :func:`record_path`)."""
    return load_record(record_path(ROOT / "results", **key))
