"""How long does TSJNet take at the paper's width, how much memory, and what do its other forms save?

    python benchmarks/tsjnet.py [--threads 2] [--repeats 5] [--write]

Fusing: one pair of 480 x 640 pixels, with the network as chapter 8 teaches it and as `quick_tsjnet`
computes it. Training: one step on two pairs of 224 x 224 with the fusion losses and Adam, with attention by tiles and
most of the network's inside computed again instead of kept (`thrifty`). The taught form of the step is
not measured: it takes more memory than many machines have. Width 64, random weights, fp32.
"""

from collections.abc import Callable
from functools import partial

import fresh
import torch
from neighbourhood import tiled
from quick_tsjnet import QuickTSJNet
from thrifty import thrifty

from mmlib.models.tsjnet import Bottleneck, DetailBranch, NATBlock, SpatialGates, SplitAttention, TSJNet, fusion_losses

FORGETFUL = Bottleneck | DetailBranch | SpatialGates | NATBlock | SplitAttention
PUBLISHED = {  # the released code, which is not part of this book, run once for it
    "fusing": {"seconds": 31.1, "peak_mib": 3356},
    "training": {"seconds": 39.0, "peak_mib": 19105},
    "how": "the released network on 2 cores of an AMD EPYC (AVX-512), torch 2.13.0, 2 threads, fp32, random weights, "
    "median of clean repetitions in processes of their own; repetitions differ by 10 to 15 %",
}


def pairs(count: int, *size: int) -> list[torch.Tensor]:
    """Random visible and infrared images, (count, 1, H, W) each."""
    dice = torch.Generator().manual_seed(1)
    return [torch.rand(count, 1, *size, generator=dice) for _ in range(2)]


def fusing(form: str) -> tuple[Callable, Callable]:
    """Fuse a small pair, and one of the paper's size."""
    torch.manual_seed(0)
    net = TSJNet().eval()
    if form == "quick":
        net = QuickTSJNet(net)

    @torch.no_grad()
    def work(*size: int) -> torch.Tensor:
        return net(*pairs(1, *size))[0]

    return partial(work, 224, 224), partial(work, 480, 640)


def forgetful(net: TSJNet) -> TSJNet:
    """The same training in less memory: attention by tiles, and only what enters the larger parts is kept."""
    made = tiled(net).to(memory_format=torch.channels_last)
    rows = [m for m in made.modules() if isinstance(m, torch.nn.Sequential) and m and isinstance(m[-1], torch.nn.ReLU)]
    parts = [m for m in made.modules() if isinstance(m, FORGETFUL)]
    thrifty([*rows, *parts, made.encoder.trunk, made.encoder.reduce, made.decoder.head])
    return made


def training() -> tuple[Callable, Callable]:
    """Nothing to warm up with, and one step."""
    torch.manual_seed(0)
    net = forgetful(TSJNet().train())
    adam, senses = torch.optim.Adam(net.parameters(), lr=1e-4), pairs(2, 224, 224)

    def step() -> None:
        sum(fusion_losses(net.reconstruct(*senses), *senses).values()).backward()
        adam.step()

    return lambda: None, step


def apart() -> float:
    """How far the two forms' pictures lie apart at most, in parts of what differs within the taught one's picture."""
    taught, quick = (fusing(form)[1]() for form in ("taught", "quick"))
    return float((taught - quick).abs().max() / taught.std())


JOBS = {
    ("fusing", "taught"): partial(fusing, "taught"),
    ("fusing", "quick"): partial(fusing, "quick"),
    ("training", "thrifty"): training,
}

if __name__ == "__main__":
    fresh.main(__file__, JOBS, apart, PUBLISHED)
