"""How long does SegMiF take at the paper's size, and how much memory?

    python benchmarks/segmif.py [--threads 2] [--passes 1]

Fuses one pair of 480 x 640 pixels with the paper's widths (MiT-B3 as guide) and segments the result, with random
weights, in fp32. One pass looks at the saliency image, as the released code does; two passes are this book's default.
Prints wall time and processor time of the fastest of three repetitions, and the peak memory of the process. On a busy
machine only the processor time means anything.
"""

import argparse
import resource
import time
from collections.abc import Callable

import torch

from mmlib.images import luma
from mmlib.models.segmif import FusionNet, MiT, Segmenter, coloured, fuse, hia
from mmlib.rules import by_saliency


def fastest(work: Callable, times: int = 3) -> tuple[object, float, float]:
    """What the work gave, and its least wall and processor time in seconds."""
    walls, used = [], []
    for _ in range(times):
        began, busy = time.perf_counter(), time.process_time()
        result = work()
        walls.append(time.perf_counter() - began)
        used.append(time.process_time() - busy)
    return result, min(walls), min(used)


@torch.no_grad()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passes", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    fusion, guide, segmenter = FusionNet(hia()).eval(), MiT("b3").eval(), Segmenter(MiT("b3"), 9).eval()
    rgb, ir = torch.rand(1, 3, 480, 640), torch.rand(1, 1, 480, 640)
    target = by_saliency(luma(rgb), ir)
    fused, *fusing = fastest(lambda: fuse(fusion, guide, rgb, ir, target, chosen.passes))
    _, *naming = fastest(lambda: segmenter(coloured(fused, rgb)))
    for what, (wall, used) in {"fusion": fusing, "segmentation": naming}.items():
        print(f"{what}: {wall:.2f} s wall, {used:.2f} s processor time, {chosen.threads} threads")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
