"""What a run leaves behind: losses, evaluations, speed. And the stop at the first number that is none."""

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from mmlib.train.world import World


class NonFinite(ArithmeticError):
    """A loss term, gradient or weight is NaN or infinite: `step` (from 0), `terms`, and the last good `checkpoint`."""

    def __init__(self, step: int, terms: dict[str, float], checkpoint: Path | None):
        good = checkpoint or "none was written"
        super().__init__(f"step {step}: expected finite numbers, got {terms}; last good checkpoint: {good}")
        self.step, self.terms, self.checkpoint = step, terms, checkpoint


class Log:
    """`columns`: per step "loss", "gradient" (its norm before clipping) and each "term NAME"; `loss` is short for one.

    `evaluations`: what `evaluate` returned, with its "step". `averaged`: the averaged module, or None. `samples` were
    trained on in `seconds`, since the start or resume. `checkpoint`: the last good one, or None.
    """

    def __init__(self, here: World, averaged: nn.Module | None = None):
        self.here, self.averaged, self.checkpoint, self.evaluations = here, averaged, None, []
        self.loss: list[float] = []
        self.columns, self.samples, self.seconds, self._unread = {"loss": self.loss}, 0, 0.0, []

    def add(self, shares: list[dict[str, Tensor]], norm: Tensor) -> None:
        """Take a step's numbers, one dict per share of its batch. A GPU is asked for them only every 16 steps."""
        self._names = [*shares[0], "gradient"]
        means = [torch.stack([share[name].detach().float() for share in shares]).mean() for name in shares[0]]
        self._unread.append(torch.stack([*means, norm]))
        if self.here.device.type == "cpu" or len(self._unread) == 16:
            self.read()

    def read(self) -> None:
        """Fetch what was not yet read, as means over processes. NonFinite if a number is NaN or infinite."""
        rows, self._unread = self.here.mean(torch.stack(self._unread)).tolist() if self._unread else [], []
        for row in rows:
            if not all(map(math.isfinite, row)):
                raise NonFinite(len(self.loss), dict(zip(self._names, row)), self.checkpoint)
            for name, value in zip(self._names, row):
                self.columns.setdefault(name, []).append(value)

    def speed(self) -> float:
        """Samples per second since the start or resume; 0 if nothing was left to do."""
        return self.samples / self.seconds if self.seconds else 0.0
