"""Weights to start from, or to use: out of a run's checkpoint folder, or a file of weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def read_weights(path: Path | str, part: str = "") -> dict[str, Tensor]:
    """A network's state dict, floats in float32, on the CPU.

    Args:
        path: a checkpoint folder of `mmlib.train.train`, its file, a .safetensors file of weights, or the .sha256 file
            that a run leaves beside one. Of a checkpoint, the averaged weights are taken where it has some.
        part: a part of what is stored, by the beginning of its names, such as "fusion": only that, without the word.

    FileNotFoundError for no such file, ValueError for a damaged one or one without that part.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = Path(path)
    if path.is_dir():
        path = path / "checkpoint.safetensors"
    if path.suffix == ".sha256" and path.is_file():
        path = path.with_name(path.read_text(encoding="utf-8").split()[-1])
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected weights, there are none; next: give a checkpoint folder or a file")
    try:
        stored = load(path.read_bytes())
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{path}: expected a whole .safetensors file ({error}); next: write it again") from None
    if "log.loss" in stored:
        kept = "averaged" if any(name.startswith("averaged.") for name in stored) else "net"
        stored = part_of(stored, kept)
    state = part_of(stored, part) if part else stored
    if not state:
        some = sorted({name.split(".")[0] for name in stored})
        raise ValueError(f"{path}: expected weights called {part}.*, got {', '.join(some)}; next: give another file")
    if bad := [name for name, value in state.items() if not torch.isfinite(value).all()]:
        raise ValueError(f"{path}: expected finite weights, got others in {bad[0]}; next: look at the run that made it")
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def part_of(state: dict[str, Tensor], word: str) -> dict[str, Tensor]:
    """The entries of a state dict that belong to one part, "fusion" for one, without its word in their names."""
    return {name.removeprefix(f"{word}."): value for name, value in state.items() if name.startswith(f"{word}.")}
