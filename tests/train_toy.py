"""A run for other processes: `python tests/train_toy.py OUT [CHECKPOINT [SAVE_EVERY [KILL_AT]]]`, also under torchrun.

KILL_AT=step: the process kills itself, without any goodbye, in the middle of that step; "write": in the middle of
writing a checkpoint.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from mmlib.train import Batches, Schedule, poly, train, world

STEPS = 12
DECAYING = poly()


def net_and_batches(dropout):
    """A net of convolutions and group norms, and 24 samples in batches of 8."""
    torch.manual_seed(5)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU(), nn.Dropout(dropout),
                        nn.Conv2d(8, 4, 1))  # fmt: skip
    return net, Batches({"rgb": torch.rand(24, 3, 8, 8), "labels": torch.randint(0, 4, (24, 8, 8))}, 8, seed=1)


def run(checkpoint=None, save_every=100, kill_at=None, dropout=0.2, precision="fp32", steps=STEPS,
        schedule: Schedule = DECAYING, **options):  # fmt: skip
    """Train; return the log and the net."""
    net, batches = net_and_batches(dropout)
    seen = []

    def step(batch):
        seen.append(1)
        if kill_at is not None and len(seen) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"ce": nn.functional.cross_entropy(net(batch["rgb"]), batch["labels"])}

    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    log = train(step, net, batches, steps=steps, optimizer=optimizer, schedule=schedule, ema=0.9, clip=1.0,
                device="cpu", checkpoint=checkpoint, save_every=save_every, precision=precision, **options)  # fmt: skip
    return log, net


def numbers(log, net):
    """Everything a run ends with, exactly."""
    tensors = {**net.state_dict(), **{f"averaged.{k}": v for k, v in log.averaged.state_dict().items()}}
    return {"loss": log.loss, **{k: [x.hex() for x in v.flatten().tolist()] for k, v in tensors.items()}}


def main(out, checkpoint="", save_every="100", kill_at="", dropout="0.2", accumulate="1"):
    """The run of the command line."""
    torch.set_num_threads(1)
    if kill_at == "write":
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    log, net = run(checkpoint or None, int(save_every), int(kill_at) if kill_at.isdigit() else None, float(dropout),
                   accumulate=int(accumulate))  # fmt: skip
    if world("cpu").rank == 0:
        Path(out).write_text(json.dumps(numbers(log, net) | {"size": world("cpu").size, "samples": log.samples}))


if __name__ == "__main__":
    main(*sys.argv[1:])
