"""One visible training loop, the same on a laptop and on many GPUs, and what it is handed.

    from mmlib.train import Batches, poly, seed_everything, train

    seed_everything(0)
    log = train(step, net, Batches(scenes(...), 8), steps=300, schedule=poly())

On many processes the same program is started by `torchrun --nproc_per_node=N program.py`.
"""

from mmlib.data.numbered import Batches
from mmlib.runs.seeding import seed_everything
from mmlib.train.averaging import average_into
from mmlib.train.log import Log, NonFinite
from mmlib.train.loop import train
from mmlib.train.precision import mixed_precision
from mmlib.train.schedules import constant, cosine, poly, warmup
from mmlib.train.world import World, world

__all__ = [
    "Batches",
    "Log",
    "NonFinite",
    "World",
    "average_into",
    "constant",
    "cosine",
    "mixed_precision",
    "poly",
    "seed_everything",
    "train",
    "warmup",
    "world",
]
