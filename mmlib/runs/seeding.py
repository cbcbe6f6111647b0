"""One seed for everything that draws, and an honest list of what may still differ between two runs."""

import os
import random

import numpy as np
import torch


def seed_everything(seed: int) -> list[str]:
    """Seed Python, NumPy and PyTorch, ask for deterministic kernels, and say what stays nondeterministic.

    Args:
        seed: 0 to 2^32 - 1.

    Returns:
        Sentences, one per reason why the same call may give other numbers: on this machine, or on another.
    """
    for sow in (random.seed, np.random.seed, torch.manual_seed):
        sow(seed)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
    torch.set_deterministic_debug_mode("warn")
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs time, and only serves to find errors
    left = [
        f"Sums are split over {torch.get_num_threads()} CPU thread(s); another number of threads rounds differently.",
        f"Another processor, or another PyTorch than {torch.__version__}, rounds differently.",
    ]
    if "PYTHONHASHSEED" not in os.environ:
        left.append("Sets of strings change their order from process to process: PYTHONHASHSEED is not set.")
    if torch.cuda.is_available():
        left.append("Some CUDA kernels have no deterministic form; PyTorch warns with their names when they run.")
    return left
