"""TSJNet at the paper's width: seconds and memory of one pair fused, or of one training step.

    python benchmarks/tsjnet.py [--height 480] [--width 640] [--threads 2] [--plain]
    python benchmarks/tsjnet.py --train [--height 224] [--width 224] [--threads 2] [--plain]

Fusing: the network as it is written, and the same function with attention by tiles and batch norms folded, after one
pass at a small size for warming up; and how far the two pictures are apart. Training: one step on two pairs with the
fusion losses and Adam, with attention by tiles and most of its inside computed again instead of kept. Random weights,
fp32. Reported are wall and CPU seconds and the process' largest memory so far. `--plain` measures only the network as
it is written, so that the memory is its own.
"""

import argparse
import resource
import time
from collections.abc import Callable

import torch

from mmlib.blocks.folding import folded
from mmlib.blocks.neighbourhood import tiled
from mmlib.blocks.thrifty import thrifty
from mmlib.models.tsjnet import Bottleneck, Detail, Gates, NatLayer, SplitAttention, TSJNet, fusion_losses

FORGETFUL = Bottleneck | Detail | Gates | NatLayer | SplitAttention


def timed(run: Callable[[], torch.Tensor], name: str) -> torch.Tensor:
    """Run something once, and say how long it took and how much memory the process has used so far."""
    wall, busy = time.perf_counter(), time.process_time()
    result = run()
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: {wall:.2f} s, {busy:.2f} s of CPU time, at most {peak:.0f} MiB so far", flush=True)
    return result


def fuse_once(net: torch.nn.Module, pair: list[torch.Tensor], name: str) -> torch.Tensor:
    """Fuse a pair once, after a smaller one."""
    with torch.no_grad():
        net(*(image[..., :224, :224] for image in pair))
        return timed(lambda: net(*pair)[0], name)


def lean(net: TSJNet) -> TSJNet:
    """The same training in less memory: attention by tiles, and only what enters the larger parts is kept."""
    made = tiled(net)
    rows = [m for m in made.modules() if isinstance(m, torch.nn.Sequential) and m and isinstance(m[-1], torch.nn.ReLU)]
    parts = [m for m in made.modules() if isinstance(m, FORGETFUL)]
    thrifty([*rows, *parts, made.encoder.trunk, made.decoder.paint])
    return made


def train_once(net: TSJNet, pairs: list[torch.Tensor], name: str) -> None:
    """One step of training."""
    adam = torch.optim.Adam(net.train().parameters(), lr=1e-4)

    def step() -> torch.Tensor:
        loss = sum(fusion_losses(net.rebuild(*pairs), *pairs).values())
        loss.backward()
        adam.step()
        return loss.detach()

    timed(step, name)


def main() -> None:
    """Parse, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", action="store_true", help="a training step on two pairs")
    for name in ("height", "width"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plain", action="store_true", help="only the network as it is written")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    net, usual = TSJNet().eval(), (224, 224) if chosen.train else (480, 640)
    size = chosen.height or usual[0], chosen.width or usual[1]
    pair = [torch.rand(2 if chosen.train else 1, 1, *size) for _ in range(2)]
    if chosen.train:
        train_once(net if chosen.plain else lean(net), pair, "a step, plain" if chosen.plain else "a step, lean")
    elif chosen.plain:
        fuse_once(net, pair, "plain")
    else:
        fast = fuse_once(tiled(folded(net)), pair, "lean")
        plain = fuse_once(net, pair, "plain")
        print(
            f"largest difference of a pixel: {(plain - fast).abs().max() / plain.std():.1e} of the picture's deviation"
        )


if __name__ == "__main__":
    main()
