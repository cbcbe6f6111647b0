"""The loop: batch, step, backward, unscale, clip, optimise, log, evaluate. Everything else here serves it."""

import copy
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from mmlib.train.averaging import average_into
from mmlib.train.checkpoint import Checkpoint
from mmlib.train.feeding import stream
from mmlib.train.log import Log
from mmlib.train.losses import Step
from mmlib.train.precision import mixed_precision
from mmlib.train.progress import progress
from mmlib.train.schedules import Schedule, constant, due
from mmlib.train.seeding import seed_step
from mmlib.train.world import world


def train(
    step: Callable[[dict], dict[str, Tensor]], params: nn.Module, batches: Callable[..., dict], *, steps: int,
    optimizer: torch.optim.Optimizer | None = None, schedule: Schedule = constant,
    weights: dict[str, float] | None = None, accumulate: int = 1, clip: float | None = None, ema: float | None = None,
    precision: str = "auto", evaluate: Callable[[nn.Module], dict] | None = None, evaluate_every: int | None = None,
    checkpoint: Path | str | None = None, save_every: int = 100, seed: int = 0, device: str | None = None,
    unused: bool = False,
) -> Log:  # fmt: skip
    """Train the module `params` in place for `steps` batches, alone or as one of many processes under torchrun.

    `step(batch)` gives scalar loss terms, summed times `weights`. `batches(i, part, parts)` is a share of batch i.
    `ema`: decay of averaged weights, which `evaluate` then gets. A `checkpoint` folder that holds a run resumes it.
    `unused`: some parameters get no gradient in some steps. NonFinite, ValueError or TypeError say what went wrong.
    """
    here = world(device)
    net = params.to(here.device, memory_format=torch.channels_last).train()
    optimizer = optimizer or torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-3)
    autocast, scaler = mixed_precision(here.device, precision)
    log = Log(here, averaged=copy.deepcopy(net).requires_grad_(False).eval() if ema else None)
    settings = {"steps": steps, "seed": seed, "accumulate": accumulate, "clip": clip, "ema": ema}
    settings |= {"weights": weights, "precision": precision, "batches": getattr(batches, "about", None)}
    state = Checkpoint(checkpoint, settings, net, optimizer, scaler, log)
    first, model = state.resume(), Step(net, step, weights)
    if here.mean(torch.tensor(float(first), device=here.device)) != first:
        raise ValueError(f"expected every process to find the same run in {checkpoint}; next: put it on a shared disk")
    if here.size > 1:
        ids = [here.device] if here.device.type == "cuda" else None
        model = DistributedDataParallel(model, device_ids=ids, find_unused_parameters=unused)
    feed, tell = stream(batches, first, steps, accumulate, here), progress(batches, first, steps, here)
    for i in range(first, steps):
        began, shares = time.perf_counter(), []
        seed_step(seed, i, here.rank)
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * schedule(i, steps)
        for part in range(accumulate):
            batch = next(feed)
            # Processes exchange their gradients once a step, with the last part.
            with model.no_sync() if part + 1 < accumulate else nullcontext():
                with autocast():
                    shares.append(model(batch))
                scaler.scale(shares[-1]["loss"] / accumulate).backward()
        scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(net.parameters(), clip or math.inf)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        if ema:
            average_into(log.averaged, net, decay=min(ema, (1 + i) / (10 + i)))
        # An overflow in fp16 is no reason to stop: the scaler has skipped that step and halved its scale.
        log.add(shares, norm.nan_to_num(0, 0, 0) if scaler.get_scale() > 1 else norm)
        log.samples += len(next(iter(batch.values()))) * accumulate * here.size
        log.seconds += time.perf_counter() - began
        if evaluate and due(i + 1, evaluate_every, steps):
            log.evaluations.append({"step": i + 1, **evaluate(log.averaged if ema else net)})
            net.train()
        if due(i + 1, save_every, steps):
            state.save()
        tell(i + 1, log.loss)
    return log
