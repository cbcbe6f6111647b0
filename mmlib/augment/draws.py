"""Random numbers from an explicit source."""

import torch
from torch import Tensor


def as_generator(generator: torch.Generator | int) -> torch.Generator:
    """A generator as it is, or a new one from a seed. There is no hidden global source."""
    if isinstance(generator, torch.Generator):
        return generator
    if isinstance(generator, int) and not isinstance(generator, bool):
        return torch.Generator().manual_seed(generator)
    raise TypeError(f"generator must be a torch.Generator or an integer seed; got {type(generator).__name__}")


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Even draws from [low, high), float64 on the CPU, the same on every machine."""
    drawn = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
    return low + (high - low) * drawn.cpu()
