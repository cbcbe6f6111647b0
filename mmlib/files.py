"""Files that are written whole or not at all, and a lock that no kill leaves behind.

A *sealed* file holds tensors and facts in the safetensors format, beside the sha256 of both, and is read as if a
stranger had written it: nothing in it is ever run.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
"""The project's folder."""


def replace_file(path: Path, content: bytes) -> None:
    """Replace `path` in one step: whoever reads it sees the old content or the new, never a part of it.

    Folders are made, and the content is on the disk before the name changes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as part:
        part.write(content)
        part.flush()
        os.fsync(part.fileno())
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)


@contextmanager
def locked(path: Path, waiting: str = "") -> Iterator[int]:
    """Wait until nobody else holds the lock `path`, and hold it; print `waiting` if there is a wait.

    The kernel holds the lock, so that a kill frees it. Yields the lock's file descriptor: hand it to a child process
    as `pass_fds`, and the lock is free only when the child has ended too. That is why it is not filelock's, which does
    not hand out its descriptor: a killed `make` would free the lock while its Snakemake still writes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                print(waiting, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _seal(facts: str, tensors: dict[str, Tensor]) -> str:
    from safetensors.torch import save

    return hashlib.sha256(facts.encode() + save(tensors)).hexdigest()


def write_sealed(path: Path | str, tensors: dict[str, Tensor], facts: dict[str, Any]) -> Path:
    """Write a sealed file, so that a crash at any moment leaves the old one or the new one; return its path.

    `tensors`: dense, on the CPU, sharing no memory. `facts`: what JSON can hold.
    """
    from safetensors.torch import save

    path = Path(path)
    text = json.dumps(facts)
    replace_file(path, save(tensors, {"facts": text, "seal": _seal(text, tensors)}))
    return path


def read_sealed(path: Path | str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The facts and the tensors of a sealed file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is truncated, damaged, of another format, or a tensor holds NaN or infinity.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

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
