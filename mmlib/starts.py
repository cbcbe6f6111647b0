"""Weights to start from, or to use: out of a run's checkpoint folder, or a file of weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from mmlib import uses

if TYPE_CHECKING:
    from torch import Tensor, nn


def start_from(net: nn.Module, path: Path | str) -> str:
    """Give a network stored weights, to go on from; the sha256 of their file, which the run's record will name.

    Args:
        net: a network that has the same parts, in the same sizes, as the one whose weights are stored.
        path: as in :func:`read_weights`.

    The errors of :func:`read_weights`, and ValueError for weights of another network or of another size.
    """
    state = read_weights(path)
    wanted = net.state_dict()
    absent = [name for name in wanted if name not in state]
    foreign = sorted(name for name in state if name not in wanted)
    if absent or foreign:
        got = f"no {absent[0]}" if absent else f"also {foreign[0]}"
        raise ValueError(
            f"{path}: expected the {len(wanted)} tensors of a {type(net).__name__}, got {got} ({len(absent)} absent, "
            f"{len(foreign)} of another network); next: choose the variant that these weights are of, or other weights"
        )
    for name, value in wanted.items():
        if state[name].shape != value.shape:
            raise ValueError(
                f"{path}: expected {name} of size {tuple(value.shape)}, got {tuple(state[name].shape)}; next: train "
                "with the preset and settings that these weights were made with, or start from others"
            )
    net.load_state_dict(state)
    file = _file_of(path)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    uses.note_weights(f"outside/{file.name}", sha256)
    return sha256


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

    path = _file_of(path)
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
        wanted = f"weights called {part}.*" if part else "weights"
        raise ValueError(f"{path}: expected {wanted}, got {', '.join(some) or 'none'}; next: give another file")
    if bad := [name for name, value in state.items() if not torch.isfinite(value).all()]:
        raise ValueError(f"{path}: expected finite weights, got others in {bad[0]}; next: look at the run that made it")
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def _file_of(path: Path | str) -> Path:
    """The .safetensors file that a checkpoint folder, a .sha256 file or a file of weights means."""
    path = Path(path)
    if path.is_dir():
        path = path / "checkpoint.safetensors"
    if path.suffix == ".sha256" and path.is_file():
        words = path.read_text(encoding="utf-8", errors="replace").split()
        if len(words) != 2:
            raise ValueError(
                f"{path}: expected a sha256 and a file name, got {len(words)} words; next: give the weights"
            )
        path = path.with_name(words[1])
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected weights, there are none; next: give a checkpoint folder or a file")
    return path


def part_of(state: dict[str, Tensor], word: str) -> dict[str, Tensor]:
    """The entries of a state dict that belong to one part, "fusion" for one, without its word in their names."""
    return {name.removeprefix(f"{word}."): value for name, value in state.items() if name.startswith(f"{word}.")}
