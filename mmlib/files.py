"""Files that are written whole or not at all, a lock that no kill leaves behind, and one door for each kind of file.

What comes from outside as JSON, arrays or weights is opened here and nowhere else: within a limit of its unpacked
size, without running anything in it, and with one error that names the file, what was expected and the next step.

A *sealed* file holds tensors and facts in the safetensors format, beside the sha256 of both, and is read as if a
stranger had written it: nothing in it is ever run.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
"""The project's folder."""

LARGEST_TEXT = 64 * 2**20
"""Bytes of the largest JSON file that is read."""

LARGEST_ARRAYS = 256 * 2**20
"""Bytes that the arrays of one file may unpack to: ten megabytes of zip can hold ten gigabytes of zeros."""

LARGEST_STATE = 4 * 2**30
"""Bytes that the weights of one file may unpack to."""


def replace_file(path: Path, content: bytes) -> None:
    """Replace `path` in one step: whoever reads it sees the old content or the new, never a part of it.

    Folders are made, and the content is on the disk before the name changes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".part", delete=False) as part:
        try:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
            os.chmod(part.name, 0o644)
            os.replace(part.name, path)
        except BaseException:  # a full disk, or Ctrl-C
            with suppress(FileNotFoundError):
                os.unlink(part.name)
            raise


def sweep(folder: Path, hours: float = 1.0) -> list[Path]:
    """Remove the `.part` files that a kill left below `folder`, and return them; younger ones may still be written."""
    oldest = time.time() - 3600 * hours
    removed = []
    for path in sorted(folder.rglob("*.part")):
        if path.is_file() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


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


# ---------------------------------------------------------------------------------------------------------------------
# What others wrote


def _present(path: Path | str, what: str, limit: int) -> Path:
    """`path` if it is a file that is not empty and not larger than `limit` bytes."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected {what}, there is no such file; next: check the path, or obtain it")
    if path.is_dir() or path.stat().st_size == 0:
        got = "a folder" if path.is_dir() else "an empty file"
        raise ValueError(f"{path}: expected {what}, got {got}; next: obtain it again")
    if path.stat().st_size > limit:
        raise ValueError(f"{path}: expected {what} of at most {_mib(limit)}, got {_mib(path.stat().st_size)}")
    return path


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


def _check_unpacked(path: Path, what: str, limit: int) -> None:
    """Refuse a zip that is encrypted or would unpack to more than `limit` bytes. What is no zip passes."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as bundle:
        members = bundle.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise ValueError(f"{path}: expected {what}, got an encrypted zip; next: unpack it with its password first")
    size = sum(member.file_size for member in members)
    if size > limit:
        raise ValueError(f"{path}: expected {what} of at most {_mib(limit)} unpacked, got {_mib(size)}")


def read_json(path: Path | str) -> Any:
    """What a JSON file holds.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not UTF-8, truncated, too large or too deep, a key stands twice in one object (the first would
            be lost in silence), or a number is NaN or infinite (JSON has no word for them).
    """
    path = _present(path, "JSON", LARGEST_TEXT)
    return parse_json(path.read_bytes(), str(path))


def parse_json(text: str | bytes, where: str) -> Any:
    """What a JSON text holds; `where` names it in errors. ValueError as :func:`read_json`."""
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(
            decoded, object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_float=_finite_float
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: expected JSON, got {error}; next: restore the file") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} twice")
    return made


def _no_constant(word: str) -> float:
    raise ValueError(f"the number {word}")


def _finite_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:20]}, which is too large")
    return value


def read_arrays(path: Path | str, *names: str) -> tuple[np.ndarray, ...]:
    """The arrays of these names in an .npz file, or the one in an .npy file, for which one name is given.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is truncated, encrypted, no such file, lacks a name, would unpack to more than LARGEST_ARRAYS, or
            holds Python objects, which are never loaded.
    """
    import numpy as np

    what = f"an .npz file with {', '.join(names)}" if Path(path).suffix == ".npz" else f"an .npy file, {names[0]}"
    path = _present(path, what, LARGEST_ARRAYS)
    try:
        _check_unpacked(path, what, LARGEST_ARRAYS)
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                found = {names[0]: loaded}
            else:
                found = {name: loaded[name] for name in names if name in loaded.files}
                held = ", ".join(loaded.files[:6]) or "nothing"
    except Exception as error:  # NumPy and zipfile raise many kinds for a broken file
        if str(error).startswith(f"{path}: "):
            raise
        said = "Python objects, which could run code" if "pickle" in str(error) else repr(error)
        raise ValueError(f"{path}: expected {what}, got {said}; next: delete it and obtain it again") from None
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"{path}: expected {what}, got no {missing[0]} but {held}; next: obtain it again")
    return tuple(found[name] for name in names)


def read_state(path: Path | str) -> dict[str, Any]:
    """The tensors of a .pth file by name, on the CPU; dictionaries in it stay dictionaries. No code in it is ever run.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is truncated, encrypted, no such file, would unpack to more than LARGEST_STATE, holds anything
            but tensors, numbers, texts and dictionaries of them, or a tensor holds NaN or infinity.
    """
    import torch

    what = "a .pth file with a state dict"
    path = _present(path, what, LARGEST_STATE)
    try:
        _check_unpacked(path, what, LARGEST_STATE)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a broken file; some of its words advise to run the code
        if str(error).startswith(f"{path}: "):
            raise
        foreign = "weights_only" in str(error) or "Unsupported global" in str(error)
        said = "Python objects, which could run code, or no such file" if foreign else type(error).__name__
        raise ValueError(f"{path}: expected {what}, got {said}; next: obtain it again where it was released") from None
    if not isinstance(state, dict):
        raise ValueError(f"{path}: expected {what}, got a {type(state).__name__}; next: save net.state_dict() instead")
    _check_state(path, state)
    return state


def _check_state(path: Path, state: Mapping[Any, Any], where: Sequence[str] = ()) -> None:
    for name, value in state.items():
        place = (*where, str(name))
        if isinstance(value, Mapping):
            _check_state(path, value, place)
        elif hasattr(value, "isfinite"):
            if value.numel() * value.element_size() > LARGEST_STATE:
                raise ValueError(f"{path}: expected tensors of at most {_mib(LARGEST_STATE)}, got {tuple(value.shape)}")
            if not value.isfinite().all():
                raise ValueError(f"{path}: expected finite weights, got NaN or infinity in {'.'.join(place)}")
