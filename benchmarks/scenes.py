"""How fast MiniStreet draws, and how much memory it takes.

    python benchmarks/scenes.py [--scenes 100] [--processes 2]

Draws scenes at 128 x 256 with all fields in as many processes as there are cores to use, one thread each, and
prints scenes per second of wall time, milliseconds of processor time per scene, and the peak memory of one process.
"""

import argparse
import json
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor


def draw(job: tuple[int, int, tuple[int, int]]) -> tuple[float, float, float, float]:
    """Draw `count` scenes from `first`; returns start and end (wall), processor seconds, and peak memory (GiB)."""
    first, count, size = job
    import torch

    from mmlib.scenes import scene

    torch.set_num_threads(1)
    scene(first, size=size)  # the atlas is drawn here, once per process
    start, used = time.time(), time.process_time()
    for seed in range(first, first + count):
        scene(seed, size=size)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return start, time.time(), time.process_time() - used, peak


def main() -> None:
    """Run and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=100, help="scenes per process")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--size", type=int, nargs=2, default=(128, 256), metavar=("H", "W"))
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    jobs = [(10_000 * k, chosen.scenes, tuple(chosen.size)) for k in range(chosen.processes)]
    with ProcessPoolExecutor(chosen.processes) as pool:
        runs = list(pool.map(draw, jobs))
    wall = max(r[1] for r in runs) - min(r[0] for r in runs)
    total = chosen.scenes * chosen.processes
    print(
        json.dumps(
            {
                "size": list(chosen.size),
                "processes": chosen.processes,
                "scenes_per_second": round(total / wall, 1),
                "cpu_ms_per_scene": round(1e3 * sum(r[2] for r in runs) / total, 1),
                "peak_GiB_per_process": round(max(r[3] for r in runs), 2),
                "load_before": round(os.getloadavg()[0], 1),
            }
        )
    )


if __name__ == "__main__":
    main()
