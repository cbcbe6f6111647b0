"""Batches by number: batch i is the same whenever it is asked for, so that a run's place in its data is one number."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmlib.data.batches import collate


class Batches:
    """Samples in batches of `size`, in a new order each epoch, drawn from `seed`; samples left over wait an epoch.

    `source`: a dict of tensors and lists of equal length (such as drawn scenes), or a Dataset whose samples are
    collated. ValueError if `source` cannot fill one batch, or its entries differ in length.
    """

    def __init__(self, source: dict | Sequence[dict], size: int, seed: int = 0):
        self.source, self.size, self.seed = source, size, seed
        lengths = (
            {name: len(value) for name, value in source.items()} if isinstance(source, dict) else {"": len(source)}
        )
        if len(set(lengths.values())) != 1:
            raise ValueError(f"expected entries of one length, got {lengths}; next: leave out what is no sample's")
        self.samples = next(iter(lengths.values()))
        if not 1 <= size <= self.samples:
            raise ValueError(f"expected a batch size of 1 to {self.samples}, the number of samples; got {size}")
        self.about = (
            f"{self.samples} samples in batches of {size}, seed {seed}"  # by which a checkpoint tells runs apart
        )

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.samples // self.size

    def __call__(self, number: int, part: int = 0, parts: int = 1) -> dict:
        """Share `part` of `parts` equal shares of batch `number` = 0, 1, ...; ValueError if it has no such shares."""
        if self.size % parts:
            raise ValueError(f"expected a batch size that divides into {parts} equal shares, got {self.size}")
        epoch, place = divmod(number, len(self))
        order = torch.randperm(self.samples, generator=torch.Generator().manual_seed(self.seed + 1_000_003 * epoch))
        rows = order[place * self.size :][: self.size].view(parts, -1)[part].tolist()
        if isinstance(self.source, dict):
            return {k: v[rows] if isinstance(v, Tensor) else [v[r] for r in rows] for k, v in self.source.items()}
        return collate([self.source[row] for row in rows])


def move(value: object, device: torch.device) -> object:
    """A tensor, or every tensor in dicts and lists, on `device`; pictures (4 axes) with channels last in memory."""
    if isinstance(value, dict):
        return {name: move(item, device) for name, item in value.items()}
    if isinstance(value, list):
        return [move(item, device) for item in value]
    if not isinstance(value, Tensor):
        return value
    value = value.pin_memory() if device.type == "cuda" and not value.is_cuda else value
    layout = torch.channels_last if value.ndim == 4 else torch.preserve_format
    return value.to(device, non_blocking=True, memory_format=layout)
