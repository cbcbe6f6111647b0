"""Tensors and facts in one safetensors file: written whole or not at all, and read as if a stranger had written it.

The facts stand as JSON in the file's header, beside a seal: the sha256 of facts and tensors together.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from mmlib.runs.atomic import replace_file


def _seal(text: str, tensors: dict[str, Tensor]) -> str:
    return hashlib.sha256(text.encode() + save(tensors)).hexdigest()


def write_sealed(path: Path | str, tensors: dict[str, Tensor], facts: dict[str, Any]) -> Path:
    """Write a file so that a crash at any moment leaves the old one or the new one, never a half; return its path.

    `tensors`: dense ones that share no memory, on the CPU. `facts`: what JSON can hold; NaN only where a reader may
    meet it. Folders are made.
    """
    path, text = Path(path), json.dumps(facts)
    replace_file(path, save(tensors, {"facts": text, "seal": _seal(text, tensors)}))
    return path


def read_sealed(path: Path | str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The facts and the tensors of a sealed file. Nothing in it is run: safetensors and JSON cannot carry code.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is truncated, damaged, of another format, or a tensor holds NaN or infinity.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"expected a sealed file at {path}, there is none; next: run what writes it")
    try:
        content = Path(path).read_bytes()  # in one go: a writer may replace the file at any moment
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        if header["seal"] != _seal(header["facts"], tensors):
            raise ValueError("contents that do not match their seal")
        if bad := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
            raise ValueError(f"NaN or infinity in {', '.join(bad[:3])}")
        facts = json.loads(header["facts"])
        if not isinstance(facts, dict):
            raise ValueError(f"facts that are no JSON object but {type(facts).__name__}")
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: expected a whole, sealed safetensors file, got {error!r}; next: delete it and run what writes it"
        ) from None
    return facts, tensors


def _plain(named: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one with dotted names; a tensor as its type and shape in words."""
    plain: dict[str, Any] = {}
    for name, value in named.items():
        if isinstance(value, dict):
            plain |= _plain(value, f"{prefix}{name}.")
        else:
            plain[prefix + name] = f"{value.dtype} {[*value.shape]}" if isinstance(value, Tensor) else value
    return plain


def refuse_others(path: Path | str, want: dict[str, Any], got: dict[str, Any]) -> None:
    """ValueError unless what a file holds is what is wanted: the same names, equal facts, tensors of the same kind."""
    expected, found = _plain(want), _plain(got)
    for name in expected | found:
        a, b = (side.get(name, "nothing") for side in (expected, found))
        if a != b:
            raise ValueError(f"{path}: expected {name}: {a}, got {b}; next: use another folder, or delete it")
