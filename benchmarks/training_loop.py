"""How fast training is: bf16 with channels last against plain float32, and mmlib.train against a loop written by hand.

    python benchmarks/training_loop.py [--rounds 15] [--compile] [--write]

1. A stack of 3x3 convolutions at 96x128, forward and backward: the precision and memory layout that `mmlib.train`
   chooses on this machine against float32 with contiguous channels.
2. A U-Net trained by `mmlib.train` against the shortest loop that does the same with the same precision and layout.
3. With --compile: the stack through torch.compile, its compile time counted, over a run of 1000 steps.

The arms take turns, so that a busy machine slows both; a ratio is the median of the rounds' ratios. On a CPU the clock
is the process' own time, so that other programs do not count. The exit status is 1 where the first ratio is under 2.5
on a processor with AMX, or the loop costs more than 5 %. --write keeps the numbers in results/speed/training.json.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import torch
from torch import nn

from mmlib.files import replace_file
from mmlib.losses import cross_entropy
from mmlib.results.records import machine
from mmlib.train import Batches, mixed_precision, native_precision, train

KEPT = Path(__file__).resolve().parents[1] / "results" / "speed" / "training.json"
FASTER = 2.5
"""On a CPU with AMX, a stack of width 64 must be at least so many times as fast as in float32."""
OVERHEAD = 0.05
"""What mmlib.train may cost over a loop written by hand, as a share."""
WIDTHS, DEPTH, BATCH, HEIGHT, WIDTH = (64, 128), 4, 4, 96, 128
RUN = 1000  # steps of a run, over which compile time is spread


# ---------------------------------------------------------------------------------------------------------------------
# Clock and turns


def clock(device: torch.device) -> float:
    """Seconds: of this process and its finished children on a CPU, of the wall where a GPU computes."""
    if device.type == "cpu":
        spent = os.times()
        return time.process_time() + spent.children_user + spent.children_system
    torch.cuda.synchronize()
    return time.perf_counter()


def take_turns(arms: dict[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of each arm in every round, in an order that turns round each time; one more round warms up."""
    seconds = {name: [] for name in arms}
    for turn in range(rounds + 1):
        for name in list(arms) if turn % 2 else list(arms)[::-1]:
            began = clock(device)
            arms[name]()
            seconds[name].append(clock(device) - began)
    return {name: found[1:] for name, found in seconds.items()}


def ratio(above: list[float], below: list[float]) -> float:
    """The median over rounds of above / below."""
    return statistics.median(a / b for a, b in zip(above, below))


# ---------------------------------------------------------------------------------------------------------------------
# A stack of convolutions


def stack(width: int) -> nn.Sequential:
    """Convolutions of 3 x 3 with ReLUs, (B, width, H, W) -> the same."""
    layers = []
    for _ in range(DEPTH):
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


def passes(width: int, precision: str, layout: torch.memory_format, device: torch.device) -> Callable[[], None]:
    """One forward and backward pass through a stack, in this precision and layout."""
    net = stack(width).to(device, memory_format=layout)
    x = torch.rand(BATCH, width, HEIGHT, WIDTH, device=device).contiguous(memory_format=layout)
    autocast, _, _ = mixed_precision(device, precision)

    def once() -> None:
        with autocast():
            loss = net(x).float().mean()
        loss.backward()
        net.zero_grad()

    return once


def measure_stack(width: int, rounds: int, device: torch.device) -> dict:
    """Milliseconds of a pass in both arms, and how many times as fast the chosen one is."""
    chosen = native_precision(device)
    arms = {
        "float32, contiguous": passes(width, "fp32", torch.contiguous_format, device),
        f"{chosen}, channels last": passes(width, chosen, torch.channels_last, device),
    }
    seconds = take_turns(arms, rounds, device)
    plain, fast = seconds.values()
    milliseconds = {name: round(1000 * statistics.median(found), 1) for name, found in seconds.items()}
    return {"milliseconds": milliseconds, "times_as_fast": round(ratio(plain, fast), 3)}


# ---------------------------------------------------------------------------------------------------------------------
# The loop


def block(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions with group norms."""
    layers = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """16-32-64 channels: (B, 3, H, W) -> logits (B, 11, H, W)."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([block(3, 16), block(16, 32), block(32, 64)])
        self.up = nn.ModuleList([block(96, 32), block(48, 16)])
        self.head = nn.Conv2d(16, 11, 1)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Class scores."""
        one = self.down[0](rgb)
        two = self.down[1](nn.functional.max_pool2d(one, 2))
        three = self.down[2](nn.functional.max_pool2d(two, 2))
        two = self.up[0](torch.cat([nn.functional.interpolate(three, scale_factor=2.0), two], 1))
        return self.head(self.up[1](torch.cat([nn.functional.interpolate(two, scale_factor=2.0), one], 1)))


def by_hand(
    net: nn.Module, optimizer: torch.optim.Optimizer, data: dict, size: int, steps: int, precision: str
) -> None:
    """The shortest honest loop: shuffle, forward, backward, step, and the loss kept for a curve."""
    device = data["rgb"].device
    autocast, _, _ = mixed_precision(device, precision)
    losses = []
    for _ in range(steps):
        rows = torch.randperm(len(data["rgb"]))[:size].to(device)
        with autocast():
            loss = cross_entropy(net(data["rgb"][rows]), data["labels"][rows])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item() if device.type == "cpu" else loss.detach())


def measure_loop(steps: int, rounds: int, device: torch.device, size: int = 8) -> dict:
    """Milliseconds of a step in both arms, and what the loop costs over the one by hand, as a share."""
    precision = native_precision(device)
    rgb = torch.rand(64, 3, HEIGHT, WIDTH, device=device).contiguous(memory_format=torch.channels_last)
    data = {"rgb": rgb, "labels": torch.randint(0, 11, (64, HEIGHT, WIDTH), device=device)}
    nets = [UNet().to(device, memory_format=torch.channels_last) for _ in range(2)]
    optimizers = [torch.optim.AdamW(net.parameters(), 1e-3) for net in nets]
    batches = Batches(data, size)

    def step(batch: dict) -> dict:
        return {"ce": cross_entropy(nets[1](batch["rgb"]), batch["labels"])}

    def by_loop() -> None:
        with redirect_stdout(StringIO()):  # its line per epoch
            train(step, nets[1], batches, steps=steps, optimizer=optimizers[1], precision=precision, device=str(device))

    arms = {
        "by hand": lambda: by_hand(nets[0], optimizers[0], data, size, steps, precision),
        "mmlib.train": by_loop,
    }
    seconds = take_turns(arms, rounds, device)
    milliseconds = {name: round(1000 * statistics.median(found) / steps, 1) for name, found in seconds.items()}
    return {"milliseconds": milliseconds, "overhead": round(ratio(seconds["mmlib.train"], seconds["by hand"]) - 1, 4)}


# ---------------------------------------------------------------------------------------------------------------------
# Compilation


def measure_compile(width: int, rounds: int, device: torch.device) -> dict:
    """How many times as fast a run of 1000 steps is with torch.compile, its compile time counted and not."""
    from torch._inductor import config

    config.compile_threads = 1  # in this process and its children, so that the clock sees them
    precision = native_precision(device)
    autocast, _, _ = mixed_precision(device, precision)
    net = stack(width).to(device, memory_format=torch.channels_last)
    compiled = torch.compile(net)
    x = torch.rand(BATCH, width, HEIGHT, WIDTH, device=device).contiguous(memory_format=torch.channels_last)

    def once(form: Callable) -> None:
        with autocast():
            loss = form(x).float().mean()
        loss.backward()
        net.zero_grad()

    began = clock(device)
    once(compiled)
    first = clock(device) - began
    seconds = take_turns({"eager": lambda: once(net), "compiled": lambda: once(compiled)}, rounds, device)
    eager, later = (statistics.median(found) for found in seconds.values())
    return {
        "milliseconds": {"eager": round(1000 * eager, 1), "compiled": round(1000 * later, 1)},
        "compile_s": round(first - later, 1),
        "times_as_fast": round(ratio(*seconds.values()), 3),
        "times_as_fast_with_compile_time": round(RUN * eager / (first + (RUN - 1) * later), 3),
    }


# ---------------------------------------------------------------------------------------------------------------------
# Report


def table(found: dict) -> str:
    """All that was measured, one line per arm."""
    lines = [f"{'what':44} {'arm':24} {'ms':>9}  {'ratio':>8}"]
    for what, numbers in found.items():
        arms = list(numbers["milliseconds"].items())
        told = f"{1 + numbers['overhead']:.3f}" if "overhead" in numbers else f"{numbers['times_as_fast']:.2f} x"
        for place, (arm, milliseconds) in enumerate(arms):
            last = place == len(arms) - 1
            lines.append(f"{what if not place else '':44} {arm:24} {milliseconds:9.1f}  {told if last else '':>8}")
        if "compile_s" in numbers:
            whole = f"{numbers['times_as_fast_with_compile_time']:.2f} x"
            lines.append(f"{'':44} {'with ' + str(numbers['compile_s']) + ' s to compile':24} {'':9}  {whole:>8}")
    return "\n".join(lines)


def complaints(found: dict, amx: bool) -> list[str]:
    """What is slower than it must be."""
    wrong = []
    for what, numbers in found.items():
        if amx and what == named(WIDTHS[0]) and numbers["times_as_fast"] < FASTER:
            wrong.append(f"{what}: {numbers['times_as_fast']:.2f} times as fast, expected at least {FASTER}")
        if numbers.get("overhead", 0.0) > OVERHEAD:
            wrong.append(f"{what}: mmlib.train costs {numbers['overhead']:.1%}, expected at most {OVERHEAD:.0%}")
    return wrong


def named(width: int) -> str:
    """How a stack is called in the table and in the record."""
    return f"stack of width {width}, a pass"


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, judge, and write if told to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=10, help="steps of the loop in a round")
    parser.add_argument("--threads", type=int, default=1, help="as many as a run gets in `make night`")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile, too")
    parser.add_argument("--write", action="store_true", help=f"keep the numbers in {KEPT.parent.name}/{KEPT.name}")
    chosen = parser.parse_args(words)
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    amx = device.type == "cpu" and torch.cpu._is_amx_tile_supported() and native_precision(device) == "bf16"

    found = {named(width): measure_stack(width, chosen.rounds, device) for width in WIDTHS}
    found["U-Net, a training step"] = measure_loop(chosen.steps, chosen.rounds, device)
    if chosen.compile:
        found[f"torch.compile, stack of width {WIDTHS[0]}"] = measure_compile(WIDTHS[0], chosen.rounds, device)
    print(table(found))
    wrong = complaints(found, amx)
    print("\n".join(wrong) or ("as fast as it must be" if amx else "no AMX here: only the loop's cost was checked"))

    if chosen.write:
        record = {"measured": found, "amx": amx, "rounds": chosen.rounds, "machine": machine().model_dump()}
        record |= {"torch": torch.__version__, "made": datetime.now(UTC).isoformat(timespec="seconds")}
        replace_file(KEPT, (json.dumps(record, indent=1) + "\n").encode())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
