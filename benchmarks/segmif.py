"""How long does SegMiF take at the paper's size, how much memory, and how much of both does its quick form save?

    python benchmarks/segmif.py [--threads 2] [--repeats 5] [--write]

One pair of 480 x 640 pixels, the paper's widths (MiT-B3), random weights, fp32. Measured are the network as chapter 7
teaches it and as `quick_segmif` computes it: the fusion net alone, fusion and segmentation together
with one pass as in the released code, and with the two passes that are this book's default.
"""

from collections.abc import Callable
from functools import partial

import fresh
import torch
from quick_segmif import QuickFusion, QuickSegmenter, quick_encoder

from mmlib.backbones.mit import MiT
from mmlib.fusion.rules import by_saliency
from mmlib.images import luma
from mmlib.models.segmif import FusionNet, Segmenter, add_chroma, frozen_copy, fuse, hia

PUBLISHED = {"how": "the released program is no part of this book, and a ratio would need both in one run"}


def networks(form: str) -> tuple:
    """Fusion net, guide and segmenter of the paper's size, the same random weights in both forms."""
    torch.manual_seed(0)
    fusion, segmenter = FusionNet(hia()).eval(), Segmenter(MiT("b3"), 9).eval()
    guide = frozen_copy(MiT("b3"))
    if form == "quick":
        return QuickFusion(fusion), quick_encoder(guide), QuickSegmenter(segmenter)
    return fusion, guide, segmenter


def job(what: str, form: str) -> tuple[Callable, Callable]:
    """The work on a small picture, and on one of the paper's size."""
    fusion, guide, segmenter = networks(form)

    @torch.no_grad()
    def work(height: int, width: int) -> torch.Tensor:
        dice = torch.Generator().manual_seed(1)
        rgb, ir = (torch.rand(1, channels, height, width, generator=dice) for channels in (3, 1))
        if what == "fusion":
            maps = [torch.rand(1, 64 * n, height // (4 * n), width // (4 * n), generator=dice) for n in (1, 2)]
            return fusion(luma(rgb), ir, maps)
        fused = fuse(fusion, guide, rgb, ir, by_saliency(luma(rgb), ir), 1 if what == "whole" else 2)
        return segmenter(add_chroma(fused, rgb))

    return partial(work, 96, 128), partial(work, 480, 640)


def apart() -> float:
    """How far the two forms' results lie apart at most, in parts of the largest result."""
    taught, quick = (job("whole_two_passes", form)[1]() for form in ("taught", "quick"))
    return float((taught - quick).abs().max() / taught.abs().max())


JOBS = {
    (what, form): partial(job, what, form)
    for what in ("fusion", "whole", "whole_two_passes")
    for form in ("taught", "quick")
}

if __name__ == "__main__":
    fresh.main(__file__, JOBS, apart, PUBLISHED)
