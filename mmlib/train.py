"""One visible training loop, the same on a laptop and on many GPUs. Read it from top to bottom.

    from mmlib.train import Batches, seed_everything, train, warmup

    seed_everything(0)
    log = train(step, net, Batches(scenes(...), 8), steps=300, schedule=warmup(50))

On many processes the same program is started by `torchrun --nproc_per_node=N program.py`.
"""

from __future__ import annotations

import atexit
import copy
import hashlib
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import default_collate
from tqdm.auto import tqdm

from mmlib.files import read_sealed, write_sealed
from mmlib.health import Health, Parts, watching

# ---------------------------------------------------------------------------------------------------------------------
# Processes


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
    if dist.is_initialized():
        return World(dist.get_rank(), dist.get_world_size(), place)
    return World(0, 1, place)


# ---------------------------------------------------------------------------------------------------------------------
# Seeds


def seed_everything(seed: int) -> list[str]:
    """Seed Python, NumPy and PyTorch (0 to 2^32 - 1), ask for deterministic kernels, and say what may still differ.

    Returns sentences, one per reason why the same call may give other numbers: on this machine, or on another.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
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


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed Python, NumPy and PyTorch from (seed, step, rank): a resumed run draws what the whole one would have."""
    digest = hashlib.sha256(f"{seed} {step} {rank}".encode()).digest()
    number = int.from_bytes(digest[:4], "big")
    random.seed(number)
    np.random.seed(number)
    if torch.cuda.is_initialized():
        torch.manual_seed(number)
    else:
        # Without a GPU in use, torch.manual_seed would only note down, each time, that one is to be seeded later.
        torch.default_generator.manual_seed(number)


# ---------------------------------------------------------------------------------------------------------------------
# Batches


class Batches:
    """Samples in batches of `size`, in a new order each epoch, drawn from `seed`; samples left over wait an epoch.

    Batch number i is the same whenever it is asked for, so that a run's place in its data is one number. `source`: a
    dict of tensors and lists of equal length (such as drawn scenes), or a sequence of samples; these are stacked by its
    method `collate`, if it has one as every Dataset does, else by PyTorch's default.
    ValueError if `source` cannot fill one batch, or its entries differ in length.
    """

    def __init__(self, source: dict | Sequence[dict], size: int, seed: int = 0):
        self.source = source
        self.size = size
        self.seed = seed
        lengths = {"": len(source)}
        if isinstance(source, dict):
            lengths = {name: len(value) for name, value in source.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"expected entries of one length, got {lengths}; next: leave out what is no sample's")
        self.samples = next(iter(lengths.values()))
        if not 1 <= size <= self.samples:
            raise ValueError(f"expected a batch size of 1 to {self.samples}, the number of samples; got {size}")
        # By this a checkpoint tells runs apart.
        self.about = f"{self.samples} samples in batches of {size}, seed {seed}"

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.samples // self.size

    def __call__(self, number: int, part: int = 0, parts: int = 1) -> dict:
        """Share `part` of `parts` equal shares of batch `number` = 0, 1, ...; ValueError if it has no such shares."""
        if self.size % parts:
            raise ValueError(f"expected a batch size that divides into {parts} equal shares, got {self.size}")
        epoch, place = divmod(number, len(self))
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * epoch)
        order = torch.randperm(self.samples, generator=generator)
        batch = order[place * self.size :][: self.size]
        rows = batch.view(parts, -1)[part].tolist()
        if isinstance(self.source, dict):
            return {k: v[rows] if isinstance(v, Tensor) else [v[r] for r in rows] for k, v in self.source.items()}
        collate = getattr(self.source, "collate", default_collate)
        return collate([self.source[row] for row in rows])


def move(value: object, device: torch.device) -> object:
    """A tensor, or every tensor in dicts and lists, on `device`; pictures (4 axes) with channels last in memory."""
    if isinstance(value, dict):
        return {name: move(item, device) for name, item in value.items()}
    if isinstance(value, list):
        return [move(item, device) for item in value]
    if not isinstance(value, Tensor):
        return value
    if device.type == "cuda" and not value.is_cuda:
        value = value.pin_memory()
    layout = torch.channels_last if value.ndim == 4 else torch.preserve_format
    return value.to(device, non_blocking=True, memory_format=layout)


def _keep(batches: Callable[..., dict], device: torch.device) -> None:
    """Move a drawn set onto `device` for good, if it takes less than half of the memory that is free there."""
    if not (isinstance(batches, Batches) and isinstance(batches.source, dict)):
        return
    size = sum(value.nbytes for value in batches.source.values() if isinstance(value, Tensor))
    if device.type != "cuda" or size < torch.cuda.mem_get_info(device)[0] / 2:
        batches.source = move(batches.source, device)


def stream(batches: Callable[..., dict], first: int, steps: int, accumulate: int, here: World) -> Iterator[dict]:
    """This process' shares of batches `first` to `steps`, on its device; the next is fetched while one is in use."""

    def fetch(turn: int) -> dict:
        number, part = divmod(turn, accumulate)
        share = batches(number, here.rank * accumulate + part, here.size * accumulate)
        return move(share, here.device)

    _keep(batches, here.device)
    turns = range(first * accumulate, steps * accumulate)
    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(fetch, turn) for turn in turns[:1]]
        for turn in turns:
            ahead += [pool.submit(fetch, later) for later in range(turn + 1, turns.stop)[:1]]
            yield ahead.pop(0).result()


# ---------------------------------------------------------------------------------------------------------------------
# Precision

FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def native_precision(device: torch.device) -> str:
    """The fastest number format that the hardware computes in by itself: "bf16", "fp16" or "fp32".

    A CPU has bf16 if it has the instructions AVX512-BF16 or AMX. Emulated bf16 would be many times slower than fp32.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):  # noqa: SIM102
        # The environment can hold PyTorch to older instructions; then its bf16 kernels are slow, too.
        if torch.backends.cpu.get_cpu_capability() == "AVX512":
            return "bf16"
    return "fp32"


def mixed_precision(
    device: torch.device, choice: str = "auto"
) -> tuple[Callable[[], AbstractContextManager], torch.amp.GradScaler, str]:
    """What opens an autocast region, a GradScaler that is at work for fp16 only, and the name of the format.

    "auto" is :func:`native_precision`. Weights stay float32 always, and so do the losses of `mmlib.losses`.
    ValueError for an unknown choice.
    """
    if choice == "auto":
        choice = native_precision(device)
    if choice not in FORMATS:
        raise ValueError(f"expected precision auto, {', '.join(FORMATS)}; got {choice!r}")
    autocast = partial(torch.autocast, device.type, FORMATS[choice], enabled=choice != "fp32")
    scaler = torch.amp.GradScaler(device.type, enabled=choice == "fp16")
    return autocast, scaler, choice


# ---------------------------------------------------------------------------------------------------------------------
# Schedules: (step, steps) -> factor on the optimiser's own rate, 0 <= step < steps

Schedule = Callable[[int, int], float]


def constant(step: int, steps: int) -> float:
    """Always 1."""
    return 1.0


def poly(power: float = 0.9) -> Schedule:
    """(1 - step/steps)^power, the segmentation papers' schedule (DeepLab, arXiv 1606.00915, section 4.1)."""
    return lambda step, steps: (1 - step / steps) ** power


def cosine(floor: float = 0.0) -> Schedule:
    """Half a cosine from 1 down to `floor` (SGDR, arXiv 1608.03983, equation 5, without restarts)."""
    return lambda step, steps: floor + (1 - floor) * (1 + math.cos(math.pi * step / steps)) / 2


def warmup(first: int, then: Schedule = constant) -> Schedule:
    """Linear from 1/`first` up to 1 over `first` steps (arXiv 1706.02677, section 2.2), `then` over the rest."""
    return lambda step, steps: (step + 1) / first if step < first else then(step - first, steps - first)


def _due(done: int, every: int | None, steps: int) -> bool:
    """Whether something is to happen after `done` steps: every so often (None: never), and after the last."""
    return done == steps or (every is not None and done % every == 0)


@torch.no_grad()
def average_into(averaged: nn.Module, net: nn.Module, decay: float) -> None:
    """averaged <- decay * averaged + (1 - decay) * net, in place; whole numbers (counters) are copied."""
    for slow, fast in zip(averaged.state_dict().values(), net.state_dict().values()):
        if slow.is_floating_point():
            slow.lerp_(fast, 1 - decay)
        else:
            slow.copy_(fast)


# ---------------------------------------------------------------------------------------------------------------------
# What a run leaves behind


class NonFinite(ArithmeticError):
    """A loss term, gradient or weight is NaN or infinite: `step` (from 0), `terms`, and the last good `checkpoint`."""

    def __init__(self, step: int, terms: dict[str, float], checkpoint: Path | None):
        good = checkpoint or "none was written"
        super().__init__(f"step {step}: expected finite numbers, got {terms}; last good checkpoint: {good}")
        self.step = step
        self.terms = terms
        self.checkpoint = checkpoint


class Log:
    """The numbers of a run.

    `columns`: per step "loss", "gradient" (its norm before clipping) and each "term NAME"; `loss` is short for one.
    `evaluations`: what `evaluate` returned, with its "step". `health`: {part: {"start" | "middle" | "end": numbers}}.
    `averaged`: the averaged module, or None. `samples` were trained on in `seconds`, since the start or resume.
    `precision`: the format of the computation. `checkpoint`: the last good one, or None.
    """

    def __init__(self, here: World, averaged: nn.Module | None = None, precision: str = "fp32"):
        self.here = here
        self.averaged = averaged
        self.precision = precision
        self.checkpoint: Path | None = None
        self.evaluations: list[dict] = []
        self.health: Health = {}
        self.loss: list[float] = []
        self.columns = {"loss": self.loss}
        self.samples = 0
        self.seconds = 0.0
        self._unread: list[Tensor] = []

    def add(self, shares: list[dict[str, Tensor]], norm: Tensor) -> None:
        """Take a step's numbers, one dict per share of its batch. A GPU is asked for them only every 16 steps."""
        self._names = [*shares[0], "gradient"]
        means = [torch.stack([share[name].detach().float() for share in shares]).mean() for name in shares[0]]
        self._unread.append(torch.stack([*means, norm]))
        if self.here.device.type == "cpu" or len(self._unread) == 16:
            self.read()

    def read(self) -> None:
        """Fetch what was not yet read, as means over processes. NonFinite if a number is NaN or infinite."""
        if not self._unread:
            return
        rows = self.here.mean(torch.stack(self._unread)).tolist()
        self._unread = []
        for row in rows:
            if not all(map(math.isfinite, row)):
                raise NonFinite(len(self.loss), dict(zip(self._names, row)), self.checkpoint)
            for name, value in zip(self._names, row):
                self.columns.setdefault(name, []).append(value)

    def speed(self) -> float:
        """Samples per second since the start or resume; 0 if nothing was left to do."""
        return self.samples / self.seconds if self.seconds else 0.0


def progress(batches: object, first: int, steps: int, here: World) -> Callable[[int, list[float]], None]:
    """What to call after every step with the number of steps done and the losses; only the first process speaks.

    A bar where somebody watches, a line per epoch in a log, nothing in a printed page.
    """
    from mmlib.show import is_static

    epoch = len(batches) if hasattr(batches, "__len__") else max(1, steps // 10)
    live = sys.stderr.isatty() or "ipykernel" in sys.modules
    bar = tqdm(total=steps, initial=first, unit="step", disable=not live or is_static() or here.rank > 0)

    def tell(done: int, loss: list[float]) -> None:
        bar.update()
        if bar.disable and not is_static() and here.rank == 0 and _due(done, epoch, steps):
            last = loss[-1] if loss else math.nan
            print(f"epoch {done / epoch:.1f}  step {done}/{steps}  loss {last:.4g}", flush=True)

    return tell


# ---------------------------------------------------------------------------------------------------------------------
# Checkpoints


def _plain(named: dict, prefix: str = "") -> dict:
    """Nested dicts as one with dotted names; a tensor as its type and shape in words."""
    plain = {}
    for name, value in named.items():
        if isinstance(value, dict):
            plain |= _plain(value, f"{prefix}{name}.")
        else:
            plain[prefix + name] = f"{value.dtype} {[*value.shape]}" if isinstance(value, Tensor) else value
    return plain


def refuse_others(path: Path | str, want: dict, got: dict) -> None:
    """ValueError unless what a file holds is what is wanted: the same names, equal facts, tensors of the same kind."""
    expected, found = _plain(want), _plain(got)
    for name in expected | found:
        a, b = (side.get(name, "nothing") for side in (expected, found))
        if a != b:
            raise ValueError(f"{path}: expected {name}: {a}, got {b}; next: use another folder, or delete it")


class Checkpoint:
    """All that an exact resume needs, in one sealed file: weights, optimiser, averaged weights, log, settings.

    Random states are not among it: every step, and every batch, is drawn from its own number. `folder` None: nothing
    is saved. `settings` tell runs apart.
    """

    def __init__(self, folder: Path | str | None, settings: dict, schedule: Schedule, net: nn.Module,
                 optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, log: Log):  # fmt: skip
        self.path = None if folder is None else Path(folder) / "checkpoint.safetensors"
        self.schedule = schedule
        groups = []
        for group in optimizer.param_groups:
            groups.append({"initial_lr": group["lr"], **group, "params": len(group["params"]), "lr": None})
        self.settings = json.loads(json.dumps(settings | {"optimizer": groups}))
        trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
        if not trained <= {id(p) for p in net.parameters()}:
            raise ValueError("expected an optimizer of parameters in params, got others; next: put all nets in params")
        self.nets = nn.ModuleDict({"net": net, "averaged": log.averaged})
        self.optimizer = optimizer
        self.scaler = scaler
        self.log = log

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the run by name: those of nets and optimiser themselves; scaler and log as numbers."""
        parts = {"scaler": self.scaler.state_dict(), "log": self.log.columns, **self.optimizer.state_dict()["state"]}
        named = {f"{part}.{name}": v for part, values in parts.items() for name, v in values.items() if v is not None}
        named = {k: v if isinstance(v, Tensor) else torch.tensor(v, dtype=torch.float64) for k, v in named.items()}
        return self.nets.state_dict() | named

    def save(self) -> None:
        """Write the state after the steps done so far. NonFinite, and nothing written, if it is not finite."""
        self.log.read()
        if self.path is None or self.log.here.rank > 0:
            return
        copies = {k: v.cpu().clone(memory_format=torch.contiguous_format) for k, v in self.tensors().items()}
        bad = {name: v.sum().item() for name, v in copies.items() if not v.isfinite().all()}
        if bad:
            raise NonFinite(len(self.log.loss), bad, self.log.checkpoint)
        facts = {"settings": self.settings, "evaluations": self.log.evaluations, "health": self.log.health}
        self.log.checkpoint = write_sealed(self.path, copies, facts)

    def resume(self) -> int:
        """Take up the run in `folder` if there is one; return the steps done. ValueError if it is not this very run."""
        if self.path is None or not self.path.exists():
            return 0
        facts, found = read_sealed(self.path)
        # One step with gradients of zero makes the optimiser allocate its state; all numbers are overwritten below.
        for index, p in enumerate(p for group in self.optimizer.param_groups for p in group["params"]):
            has_state = any(name.startswith(f"{index}.") for name in found)
            p.grad = torch.zeros_like(p) if has_state else None
        self.optimizer.step()
        self.optimizer.zero_grad()
        steps = min(found["log.loss"].numel() if "log.loss" in found else 0, self.settings["steps"])
        self._lengthen(facts.get("settings"), steps)
        for name in (name[4:] for name in found if name.startswith("log.")):
            self.log.columns.setdefault(name, [])[:] = [0.0] * steps
        evaluations = facts.get("evaluations") if isinstance(facts.get("evaluations"), list) else []
        health = facts.get("health") if isinstance(facts.get("health"), dict) else {}
        want = {"settings": self.settings, "evaluations": evaluations, "health": health, **self.tensors()}
        refuse_others(self.path, want, facts | found)
        for name, tensor in self.tensors().items():
            tensor.copy_(found[name])
        self.scaler.load_state_dict({k: type(v)(found[f"scaler.{k}"]) for k, v in self.scaler.state_dict().items()})
        for name, column in self.log.columns.items():
            column[:] = found[f"log.{name}"].tolist()
        self.log.evaluations = evaluations
        self.log.health = health
        self.log.checkpoint = self.path
        return len(self.log.loss)

    def _lengthen(self, saved: object, done: int) -> None:
        """A shorter run is the beginning of a longer one if each learning rate was the one that the longer one has."""
        planned = saved.get("steps") if isinstance(saved, dict) else None
        steps = self.settings["steps"]
        if isinstance(planned, int) and done <= planned < steps:  # noqa: SIM102
            if all(self.schedule(i, planned) == self.schedule(i, steps) for i in range(done)):
                saved["steps"] = steps


# ---------------------------------------------------------------------------------------------------------------------
# The loop


class Step(nn.Module):
    """A step function together with the module it trains, so that DistributedDataParallel can wrap both."""

    no_sync = nullcontext  # alone there is nobody to wait for

    def __init__(self, net: nn.Module, step: Callable[[dict], dict[str, Tensor]], weights: dict[str, float] | None):
        super().__init__()
        self.net = net
        self.step = step
        self.weights = weights or {}

    def forward(self, batch: dict) -> dict[str, Tensor]:
        """The step's terms as "term NAME" and their weighted sum as "loss". TypeError if there are no such terms."""
        terms = self.step(batch)
        scalars = isinstance(terms, dict) and all(isinstance(v, Tensor) and v.ndim == 0 for v in terms.values())
        if not scalars or not terms or not terms.keys() >= self.weights.keys():
            raise TypeError(f"expected step(batch) -> dict of scalar tensors with {[*self.weights]}, got {terms!r}")
        loss = sum(self.weights.get(name, 1.0) * term for name, term in terms.items())
        return {"loss": loss} | {f"term {name}": term for name, term in terms.items()}


def train(
    step: Callable[[dict], dict[str, Tensor]],
    params: nn.Module,
    batches: Callable[..., dict],
    *,
    steps: int,
    optimizer: torch.optim.Optimizer | None = None,
    schedule: Schedule = constant,
    weights: dict[str, float] | None = None,
    accumulate: int = 1,
    clip: float | None = None,
    ema: float | None = None,
    precision: str = "auto",
    evaluate: Callable[[nn.Module], dict] | None = None,
    evaluate_every: int | None = None,
    health: Parts | None = None,
    checkpoint: Path | str | None = None,
    save_every: int = 100,
    seed: int = 0,
    device: str | None = None,
    unused: bool = False,
) -> Log:
    """Train the module `params` in place for `steps` batches, alone or as one of many processes under torchrun.

    `step(batch)` gives scalar loss terms, summed times `weights`. `batches(i, part, parts)` is a share of batch i.
    `ema`: decay of averaged weights, which `evaluate` then gets. `health`: named parts of the network, read in the
    first, the middle and the last step. A `checkpoint` folder that holds a run resumes it; a shorter run is continued
    if its rates were the same. `unused`: some parameters get no gradient in some steps. NonFinite, ValueError or
    TypeError say what went wrong.
    """
    here = world(device)
    net = params.to(here.device, memory_format=torch.channels_last).train()
    if optimizer is None:
        optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-3)
    autocast, scaler, format = mixed_precision(here.device, precision)
    averaged = copy.deepcopy(net).requires_grad_(False).eval() if ema else None
    log = Log(here, averaged, format)

    settings = {"steps": steps, "seed": seed, "accumulate": accumulate, "clip": clip, "ema": ema, "weights": weights}
    settings |= {"precision": format, "batches": getattr(batches, "about", None)}
    state = Checkpoint(checkpoint, settings, schedule, net, optimizer, scaler, log)
    first = state.resume()
    if here.mean(torch.tensor(float(first), device=here.device)) != first:
        raise ValueError(f"expected every process to find the same run in {checkpoint}; next: put it on a shared disk")

    model = Step(net, step, weights)
    if here.size > 1:
        ids = [here.device] if here.device.type == "cuda" else None
        model = DistributedDataParallel(model, device_ids=ids, find_unused_parameters=unused)
    readings = {0: "start", steps // 2: "middle", steps - 1: "end"} if health else {}
    feed = stream(batches, first, steps, accumulate, here)
    tell = progress(batches, first, steps, here)

    for i in range(first, steps):
        began = time.perf_counter()
        seed_step(seed, i, here.rank)
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * schedule(i, steps)

        shares = []
        with watching(health) if i in readings else nullcontext() as numbers:
            for part in range(accumulate):
                batch = next(feed)
                # Processes exchange their gradients once a step, with the last part.
                with model.no_sync() if part + 1 < accumulate else nullcontext():
                    with autocast():
                        shares.append(model(batch))
                    scaler.scale(shares[-1]["loss"] / accumulate).backward()
        scaler.unscale_(optimizer)
        if i in readings:
            for name, reading in numbers().items():
                log.health.setdefault(name, {})[readings[i]] = reading
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
        if evaluate and _due(i + 1, evaluate_every, steps):
            scores = evaluate(log.averaged if ema else net)
            log.evaluations.append({"step": i + 1, **scores})
            net.train()
        if _due(i + 1, save_every, steps):
            state.save()
        tell(i + 1, log.loss)
    return log
