"""Published weights: small nets in half precision, by name, recognised by their sha256, and read as a stranger's.

``results/weights/PAPER/NAME.sha256`` holds the hash and the name of a safetensors file beside it. The file's own name
contains the hash, so that new weights never overwrite the old ones before the one line that names them changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mmlib import uses
from mmlib.files import ROOT, replace_file

if TYPE_CHECKING:
    from torch import Tensor

LIMIT = 16 * 2**20
NAME = re.compile(r"[a-z0-9_]+/[a-z0-9_-]+")
LINE = re.compile(r"([0-9a-f]{64})  ([a-z0-9_-]+\.safetensors)\n?")


def _pointer(name: str, folder: Path | str | None) -> Path:
    """The one-line file that says which tensors ``name`` means now."""
    if not NAME.fullmatch(name):
        raise ValueError(f'expected a name of weights such as "flow2seg/residual", got {name!r}')
    return Path(folder or ROOT / "results") / "weights" / f"{name}.sha256"


def save_weights(name: str, tensors: Mapping[str, Tensor], folder: Path | str | None = None) -> str:
    """Publish a state dict in half precision and return its sha256.

    Args:
        name: ``PAPER/NAME``, lower case, such as "flow2seg/residual".
        tensors: floats are cast to float16, integers kept.
        folder: where ``weights/`` lies; default ``results/``. A chapter passes its parameter ``out``.

    Raises:
        ValueError: a tensor is not finite in half precision, or the file would be larger than 16 MiB. Nothing is
            written then.
    """
    from safetensors.torch import save

    pointer = _pointer(name, folder)
    half = {key: (t.half() if t.is_floating_point() else t).detach().cpu().contiguous() for key, t in tensors.items()}
    if bad := sorted(key for key, t in half.items() if t.is_floating_point() and not t.isfinite().all()):
        raise ValueError(f"{name}: expected finite weights in half precision, got others in {bad[0]}; next: look there")
    content = save({key: t.clone() for key, t in half.items()})  # clone: tied weights may share their memory
    if len(content) > LIMIT:
        raise ValueError(f"{name}: expected at most 16 MiB of weights, got {len(content) / 2**20:.1f} MiB")
    sha256 = hashlib.sha256(content).hexdigest()
    file = pointer.with_name(f"{pointer.stem}-{sha256[:12]}.safetensors")
    replace_file(file, content)
    replace_file(pointer, f"{sha256}  {file.name}\n".encode())
    for old in pointer.parent.glob(f"{pointer.stem}-{'[0-9a-f]' * 12}.safetensors"):
        if old != file:
            old.unlink()
    return sha256


def weights_file(name: str, folder: Path | str | None = None) -> tuple[Path, str]:
    """The file that ``name`` means, and the sha256 it must have.

    Raises:
        FileNotFoundError: there are no weights of that name.
        ValueError: the pointer is damaged.
    """
    pointer = _pointer(name, folder)
    if not pointer.is_file():
        raise FileNotFoundError(
            f"expected weights {name} at {pointer}, there are none; next: make reproduce CHAPTER=..."
        )
    line = LINE.fullmatch(pointer.read_text(encoding="utf-8", errors="replace"))
    if line is None:
        raise ValueError(f"{pointer}: expected a sha256 and a file name; next: publish the weights again")
    return pointer.with_name(line[2]), line[1]


def load_weights(name: str, folder: Path | str | None = None) -> dict[str, Tensor]:
    """The published state dict ``name`` in float32 on the CPU; no code in the file is ever run.

    A record that is written afterwards names them as what the run started from.

    Raises:
        FileNotFoundError: there are no weights of that name.
        ValueError: the file is too large, is not what its sha256 says, is no safetensors file, or is not finite.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    file, sha256 = weights_file(name, folder)
    try:
        if file.stat().st_size > LIMIT:
            raise ValueError(f"expected at most 16 MiB, got {file.stat().st_size / 2**20:.1f} MiB")
        content = file.read_bytes()
        if (got := hashlib.sha256(content).hexdigest()) != sha256:
            raise ValueError(f"expected sha256 {sha256}, got {got}")
        tensors = load(content)
        if bad := [key for key, t in tensors.items() if t.is_floating_point() and not t.isfinite().all()]:
            raise ValueError(f"expected finite weights, got others in {bad[0]}")
    except (OSError, ValueError, SafetensorError) as error:
        raise ValueError(f"{file}: {error}; next: restore it (git checkout) or publish the weights again") from None
    uses.note_weights(name, sha256)
    return {key: t.float() if t.is_floating_point() else t for key, t in tensors.items()}
