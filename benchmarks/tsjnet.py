"""TSJNet at the paper's width: seconds and memory to fuse one pair, as it is trained and as `for_testing` makes it.

    python benchmarks/tsjnet.py [--height 480] [--width 640] [--threads 2] [--plain]

One forward pass for warming up at a small size, then one that counts, of random weights in fp32. Reported are wall and
CPU seconds, the process' largest memory, and how far the two pictures are apart. `--plain` leaves the fast one out, so
that the memory is the plain one's.
"""

import argparse
import resource
import time

import torch

from mmlib.blocks.winograd import for_testing
from mmlib.models.tsjnet import TSJNet


def timed(net: torch.nn.Module, pair: tuple[torch.Tensor, torch.Tensor], name: str) -> torch.Tensor:
    """Fuse a pair once, and say how long it took and how much memory the process has used so far."""
    with torch.no_grad():
        net(*(image[..., :224, :224] for image in pair))
        wall, busy = time.perf_counter(), time.process_time()
        fused = net(*pair)[0]
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: {wall:.2f} s, {busy:.2f} s of CPU time, at most {peak:.0f} MiB so far", flush=True)
    return fused


def main() -> None:
    """Parse, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("height", 480), ("width", 640), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--plain", action="store_true", help="only the network as it is trained")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    net = TSJNet().eval()
    pair = tuple(torch.rand(1, 1, chosen.height, chosen.width) for _ in range(2))
    if chosen.plain:
        timed(net, pair, "plain")
        return
    fast = timed(for_testing(net), pair, "for testing")
    apart = (timed(net, pair, "plain") - fast).abs().max()
    print(f"largest difference of a pixel: {apart:.1e} of the range")


if __name__ == "__main__":
    main()
