"""Samples per second of mmlib.train against the same training written by hand, in one process, turn by turn.

    python benchmarks/training_loop.py [--steps 10] [--rounds 15]

Both arms train the same U-Net on the same data in memory, in the same order, with the same optimiser, in fp32 with
channels last; they take turns, so that a busy machine slows both. Reported is CPU time's median over the rounds (on a
GPU wall time's) and the median of the rounds' ratios; the exit status is 1 where that is under 95 %.
"""

import argparse
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from mmlib.train import Batches, train

FLOOR = 0.95


def block(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions with group norms."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.ReLU(),
                         nn.Conv2d(outputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.ReLU())  # fmt: skip


class UNet(nn.Module):
    """16-32-64 channels: (B,3,H,W) -> logits (B,11,H,W)."""

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


def by_hand(net: nn.Module, optimizer: torch.optim.Optimizer, data: dict, size: int, steps: int) -> None:
    """The shortest honest loop: shuffle, forward, backward, step, and the loss kept for a curve."""
    losses = []
    for _ in range(steps):
        rows = torch.randperm(len(data["rgb"]))[:size].to(data["rgb"].device)
        loss = cross_entropy(net(data["rgb"][rows]), data["labels"][rows])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item() if loss.device.type == "cpu" else loss.detach())


def clock(device: str) -> float:
    """Seconds: of the CPU where it computes, of the wall where a GPU does."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--size", type=int, default=8, help="samples in a batch")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    data = {"rgb": torch.rand(64, 3, 96, 128), "labels": torch.randint(0, 11, (64, 96, 128))}
    data = {k: v.to(device, memory_format=torch.channels_last if v.ndim == 4 else torch.preserve_format)
            for k, v in data.items()}  # fmt: skip
    nets = [UNet().to(device, memory_format=torch.channels_last) for _ in range(2)]
    optimizers = [torch.optim.AdamW(net.parameters(), 1e-3) for net in nets]
    batches = Batches(data, args.size)

    def step(batch: dict) -> dict:
        return {"ce": cross_entropy(nets[1](batch["rgb"]), batch["labels"])}

    def by_loop() -> None:
        train(step, nets[1], batches, steps=args.steps, optimizer=optimizers[1], precision="fp32", device=device)

    arms = {"by hand": lambda: by_hand(nets[0], optimizers[0], data, args.size, args.steps), "mmlib.train": by_loop}
    seconds = {name: [] for name in arms}
    for turn in range(args.rounds + 1):  # the first round warms up and is not counted
        for name in list(arms) if turn % 2 else list(arms)[::-1]:
            began = clock(device)
            arms[name]()
            seconds[name].append(clock(device) - began)
    speed = {name: args.steps * args.size / statistics.median(times[1:]) for name, times in seconds.items()}
    ratio = statistics.median(hand / loop for hand, loop in zip(seconds["by hand"][1:], seconds["mmlib.train"][1:]))
    for name, value in speed.items():
        print(f"{name:12} {value:8.1f} samples per second ({device}, median of {args.rounds} rounds)")
    print(f"ratio        {ratio:8.3f} (at least {FLOOR})")
    return 0 if ratio >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
