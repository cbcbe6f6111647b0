"""How long does TSJNet take at the paper's width, how much memory, and what does bfloat16 cost in exactness?

    python benchmarks/tsjnet.py [--threads 1] [--repeats 5] [--write]

One pair of 480 x 640 pixels, width 64, random weights, the network as chapter 8 builds it, in both formats.
"""

from collections.abc import Callable
from functools import partial

import fresh
import torch

from mmlib.models.tsjnet import TSJNet

PUBLISHED = {"how": "the released program is no part of this book, and a ratio would need both in one run"}


def fusing(form: str) -> tuple[Callable, Callable]:
    """Fuse a small pair, and one of the paper's size."""
    torch.manual_seed(0)
    net = TSJNet().eval().to(memory_format=torch.channels_last)
    dice = torch.Generator().manual_seed(1)

    @torch.no_grad()
    def work(height: int, width: int) -> torch.Tensor:
        vis, ir = torch.rand(2, 1, 1, height, width, generator=dice)
        with torch.autocast("cpu", torch.bfloat16, enabled=form == "bf16"):
            return net(vis, ir)[0].float()

    return partial(work, 224, 224), partial(work, 480, 640)


def apart() -> float:
    """How far the two formats' images lie apart at most, relative to what varies within the one in float32."""
    exact, rounded = (fusing(form)[1]() for form in ("fp32", "bf16"))
    return float((exact - rounded).abs().max() / exact.std())


JOBS = {("fusing", "fp32"): partial(fusing, "fp32"), ("fusing", "bf16"): partial(fusing, "bf16")}

if __name__ == "__main__":
    fresh.main(__file__, JOBS, apart, PUBLISHED)
