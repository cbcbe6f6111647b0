"""Which process is this, out of how many, on which device: plain torch.distributed, as torchrun sets it up."""

import atexit
import os
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor


class World(NamedTuple):
    """This process' `rank` among `size` processes, and its `device`."""

    rank: int
    size: int
    device: torch.device

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a tensor over all processes; every process must call it. Alone: the tensor."""
        if self.size > 1:
            dist.all_reduce(values)
        return values / self.size


def world(device: str | None = None) -> World:
    """Join the processes that torchrun started; without torchrun this process is alone.

    `device`: None takes the GPU that has this process' local rank as its number if there are GPUs, else the CPU.
    """
    gpu = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
    place = torch.device(device or gpu)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
        atexit.register(dist.destroy_process_group)
    return World(dist.get_rank(), dist.get_world_size(), place) if dist.is_initialized() else World(0, 1, place)
