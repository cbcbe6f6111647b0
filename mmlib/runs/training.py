"""What a record says about how its run was trained, so that two runs can be compared fairly.

A chapter puts the block under ``values["training"]`` of its record. It holds what two arms of a comparison must share
(steps, order of the data, augmentation, effort of tuning), the first losses, by which a run is recognised when it is
replayed, and the course of the loss, by which one sees whether it had flattened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

FIRST = 20  # losses that a replay is compared with
PARTS = 16  # equal parts of the run, each with its mean loss
SHARED = ("steps", "data_order", "augmentation", "tuning")


def training_block(losses: Sequence[float], *, data_order: str, augmentation: str, tuning: str) -> dict[str, Any]:
    """The block for a record's values.

    Args:
        losses: the loss of every optimiser step, in order; at least 16, none negative.
        data_order: what fixes the order of the samples, such as "seeded shuffle of 512 scenes".
        augmentation: what is done to the samples, in a word or two; the same text for the same treatment.
        tuning: how settings were chosen, such as "one learning rate for all variants, chosen on val".

    Raises:
        ValueError: too few losses, or one that is not finite or negative.
    """
    count = len(losses)
    if count < PARTS:
        raise ValueError(f"expected at least {PARTS} losses, got {count}; next: train for more steps")
    edges = [round(part * count / PARTS) for part in range(PARTS + 1)]
    block = {
        "steps": count,
        "data_order": data_order,
        "augmentation": augmentation,
        "tuning": tuning,
        "first_losses": [float(loss) for loss in losses[:FIRST]],
        "curve": [math.fsum(losses[a:b]) / (b - a) for a, b in zip(edges, edges[1:])],
    }
    return check_training(block)


def check_training(block: Any) -> dict[str, Any]:
    """Return ``block`` if it is what :func:`training_block` makes.

    Raises:
        ValueError: a field is missing, of a wrong type, or a loss is not finite or negative.
    """
    if not isinstance(block, Mapping):
        raise ValueError(f'expected values["training"] from training_block, got {block!r}; next: record it')
    for name, kind in {"steps": int, "data_order": str, "augmentation": str, "tuning": str}.items():
        if not isinstance(block.get(name), kind):
            raise ValueError(f'expected {name!r} as {kind.__name__} in values["training"], got {block.get(name)!r}')
    for name, least, most in (("first_losses", 1, FIRST), ("curve", PARTS, PARTS)):
        numbers = block.get(name)
        if not isinstance(numbers, list) or not least <= len(numbers) <= most:
            raise ValueError(f'expected {least} to {most} losses as {name!r} in values["training"], got {numbers!r}')
        if not all(isinstance(x, (int, float)) and math.isfinite(x) and x >= 0 for x in numbers):
            raise ValueError(f"expected finite losses of 0 or more in {name!r}, got {numbers!r}")
    return dict(block)


def last_quarter(curve: Sequence[float]) -> float:
    """By which share the mean loss of a run's last quarter lies under that of the quarter before; below 0: above it."""
    quarter = len(curve) // 4
    before, last = math.fsum(curve[-2 * quarter : -quarter]), math.fsum(curve[-quarter:])
    return 1.0 - last / before if before else 0.0
