"""MiniStreet drawn once and kept on disk, so that the many runs of a grid do not each draw the same streets."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import torch

from mmlib.files import ROOT, locked, replace_file
from mmlib.scenes.generate import scenes
from mmlib.scenes.knobs import Knobs
from mmlib.scenes.vocabulary import VERSION

STORED = {"rgb": 255, "rgb_next": 255, "ir": 255, "ir_next": 255}
"""Pictures that MiniStreet draws in eight-bit steps: they lie on disk as whole numbers, and nothing is lost."""

KEPT = ("rgb", "rgb_next", "ir", "ir_next", "labels", "instances", "flow", "depth", "occlusion")


def drawn(
    seeds: Sequence[int],
    *,
    size: tuple[int, int],
    fields: Sequence[str],
    knobs: Knobs | None = None,
    folder: Path | str | None = None,
) -> dict[str, torch.Tensor]:
    """`scenes(seeds, ...)`, from disk if these scenes were drawn before: {field: (N, ..., H, W)}.

    Args:
        seeds, size, fields, knobs: as in :func:`mmlib.scenes.scenes`; fields with one tensor per scene only.
        folder: where drawn scenes lie; default $MMLIB_DRAWN, else _build/drawn. It can be deleted at any moment.

    Raises:
        ValueError: a field that is not one tensor per scene, such as boxes.
    """
    from safetensors.torch import load_file, save

    if unknown := [name for name in fields if name not in KEPT]:
        raise ValueError(
            f"expected fields out of {', '.join(KEPT)}, got {unknown[0]!r}; next: draw these with scenes()"
        )
    folder = Path(folder or os.environ.get("MMLIB_DRAWN") or ROOT / "_build" / "drawn")
    about = {"version": VERSION, "code": _code(), "seeds": [int(seed) for seed in seeds], "size": [*size]}
    about |= {"fields": sorted(fields), "knobs": asdict(knobs or Knobs())}
    name = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:24]
    path = folder / f"{name}.safetensors"
    with locked(folder / f"{name}.lock"):
        if not path.is_file():
            made = scenes(seeds, size=tuple(size), knobs=knobs, fields=tuple(fields))
            stored = {key: _stored(key, value) for key, value in made.items()}
            replace_file(path, save(stored))
        found = load_file(path)
    return {key: _read(key, found[key]) for key in fields}


@cache
def _code() -> str:
    """A hash of the generator's files: changed drawings are drawn again. It reads files and draws nothing."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "mmlib" / "scenes").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _stored(key: str, value: torch.Tensor) -> torch.Tensor:
    if key in STORED:
        return (value * STORED[key]).round().to(torch.uint8).contiguous()
    if key in ("labels", "instances"):
        return value.to(torch.uint8 if value.max() < 256 else torch.int32).contiguous()
    return value.contiguous()


def _read(key: str, value: torch.Tensor) -> torch.Tensor:
    if key in STORED:
        return value.float() * (1 / STORED[key])  # as the generator computes it, to the last bit
    if key in ("labels", "instances"):
        return value.long()
    return value
