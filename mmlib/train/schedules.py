"""When and how much: learning rate schedules (step, steps) -> factor on the optimiser's own rate, 0 <= step < steps."""

import math
from collections.abc import Callable

Schedule = Callable[[int, int], float]


def constant(step: int, steps: int) -> float:
    """Always 1."""
    return 1.0


def poly(power: float = 0.9) -> Schedule:
    """(1 - step/steps)^power, the segmentation papers' schedule (DeepLab, arXiv 1606.00915, section 4.1)."""
    return lambda step, steps: (1 - step / steps) ** power


def cosine(floor: float = 0.0) -> Schedule:
    """Half a cosine from 1 down to `floor` (SGDR, arXiv 1608.03983, equation 5, without restarts)."""
    return lambda step, steps: floor + (1 - floor) * (1 + math.cos(math.pi * step / steps)) / 2


def warmup(first: int, then: Schedule = constant) -> Schedule:
    """Linear from 1/`first` up to 1 over `first` steps (arXiv 1706.02677, section 2.2), `then` over the rest."""
    return lambda step, steps: (step + 1) / first if step < first else then(step - first, steps - first)


def due(done: int, every: int | None, steps: int) -> bool:
    """Whether something is to happen after `done` steps: every so often (None: never), and after the last."""
    return done == steps or every is not None and done % every == 0
