"""A seed for every step of a run, so that a step's luck depends on its number and not on its past."""

import hashlib
import random

import numpy as np
import torch


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed Python, NumPy and PyTorch from (seed, step, rank): a resumed run draws what the whole one would have."""
    number = int.from_bytes(hashlib.sha256(f"{seed} {step} {rank}".encode()).digest()[:4], "big")
    # Without a GPU in use, torch.manual_seed would only note down, each time, that one is to be seeded later.
    torch_seed = torch.manual_seed if torch.cuda.is_initialized() else torch.default_generator.manual_seed
    for sow in (random.seed, np.random.seed, torch_seed):
        sow(number)
