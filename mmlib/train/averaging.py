"""An exponential moving average of the weights: a slow copy that forgets the noise of single steps."""

import torch
from torch import nn


@torch.no_grad()
def average_into(averaged: nn.Module, net: nn.Module, decay: float) -> None:
    """averaged <- decay * averaged + (1 - decay) * net, in place; whole numbers (counters) are copied."""
    for slow, fast in zip(averaged.state_dict().values(), net.state_dict().values()):
        slow.lerp_(fast, 1 - decay) if slow.is_floating_point() else slow.copy_(fast)
