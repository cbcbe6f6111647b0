"""How long something takes."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch


def milliseconds(work: Callable[[], object], rounds: int = 5) -> float:
    """The shortest of some rounds of `work()`, in processor time, or in real time where there is a GPU."""
    on_gpu = torch.cuda.is_available()
    now = time.perf_counter if on_gpu else time.process_time
    took = []
    for _ in range(rounds):
        began = now()
        work()
        if on_gpu:
            torch.cuda.synchronize()
        took.append(1000 * (now() - began))
    return min(took)
