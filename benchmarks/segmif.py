"""How long does SegMiF take at the paper's size, how much memory, and how much of both does its quick form save?

    python benchmarks/segmif.py [--threads 2] [--repeats 5] [--write]

One pair of 480 x 640 pixels, the paper's widths (MiT-B3), random weights, fp32. Measured are the network as chapter 7
teaches it and as `mmlib.blocks.segmif_quick` computes it: the fusion net alone, fusion and segmentation together
with one pass as in the released code, and with the two passes that are this book's default. Every repetition is a
process of its own, with a small picture for warming up. Medians are taken over the repetitions during which the rest
of the machine did next to nothing; if there was none, over all, and the record says so. `--write` keeps the result in
results/speed/segmif.json, which chapter 7 shows.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch

from mmlib.blocks.segmif_quick import QuickFusion, QuickSegmenter, quick_encoder
from mmlib.images import luma
from mmlib.models.segmif import FusionNet, MiT, Segmenter, coloured, fuse, hia
from mmlib.rules import by_saliency
from mmlib.runs.atomic import replace_file

KEPT = Path(__file__).resolve().parents[1] / "results" / "speed" / "segmif.json"
WHAT = ("fusion", "whole", "whole_two_passes")
FORMS = ("taught", "quick")
OTHERS = 0.08  # of the machine, that the rest of it may use in a clean repetition
PUBLISHED = {  # the released code, which is not part of this book, run once for it
    "fusion": {"seconds": 8.44, "peak_mib": 2368},
    "whole": {"seconds": 8.97, "peak_mib": 2520},
    "how": "the released networks on 2 cores of an AMD EPYC (AVX-512), torch 2.13.0, 2 threads, fp32, random weights, "
    "median of clean repetitions in processes of their own; repetitions differ by 10 to 15 %",
}


def networks(form: str) -> tuple:
    """Fusion net, guide and segmenter of the paper's size, the same random weights in both forms."""
    torch.manual_seed(0)
    fusion, guide, segmenter = FusionNet(hia()).eval(), MiT("b3").eval(), Segmenter(MiT("b3"), 9).eval()
    guide.stages = guide.stages[:2]
    if form == "quick":
        return QuickFusion(fusion), quick_encoder(guide), QuickSegmenter(segmenter)
    return fusion, guide, segmenter


def job(what: str, form: str) -> Callable:
    """A function of the picture's size that does the work once and returns its result."""
    fusion, guide, segmenter = networks(form)

    @torch.no_grad()
    def work(height: int, width: int) -> torch.Tensor:
        dice = torch.Generator().manual_seed(1)
        rgb, ir = (torch.rand(1, channels, height, width, generator=dice) for channels in (3, 1))
        if what == "fusion":
            maps = [torch.rand(1, 64 * n, height // (4 * n), width // (4 * n), generator=dice) for n in (1, 2)]
            return fusion(luma(rgb), ir, maps)
        fused = fuse(fusion, guide, rgb, ir, by_saliency(luma(rgb), ir), 1 if what == "whole" else 2)
        return segmenter(coloured(fused, rgb))

    return work


def busy() -> float:
    """Seconds that all processors of this machine have worked since it started; NaN where nobody says."""
    try:
        numbers = [int(x) for x in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    except OSError:
        return float("nan")
    return (sum(numbers[:3]) + sum(numbers[5:8])) / 100


def once(what: str, form: str, threads: int) -> dict:
    """One repetition, to be run in a process of its own."""
    torch.set_num_threads(threads)
    work = job(what, form)
    work(96, 128)
    wall, own, everybody = time.perf_counter(), time.process_time(), busy()
    work(480, 640)
    wall, own, everybody = time.perf_counter() - wall, time.process_time() - own, busy() - everybody
    others = max(0.0, everybody - own) / wall / os.cpu_count()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": wall, "cpu_s": own, "peak_mib": peak, "others": others}


def apart() -> float:
    """How far the two forms' results lie apart at most, in parts of the largest result."""
    taught, quick = (job("whole_two_passes", form)(480, 640) for form in FORMS)
    return float((taught - quick).abs().max() / taught.abs().max())


def child(*words: str, threads: int) -> dict:
    """What a repetition in a fresh process reports."""
    command = [sys.executable, __file__, "--threads", str(threads), "--one", *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def middle(found: list[dict]) -> dict:
    """Medians of repetitions, of the clean ones if there are any."""
    clean = [x for x in found if x["others"] < OTHERS]
    medians = {key: round(statistics.median(x[key] for x in clean or found), 3) for key in found[0]}
    return medians | {"repetitions": len(found), "clean": len(clean)}


def machine() -> str:
    """The processor in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def main() -> None:
    """Measure, print, and write if told to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help=f"keep the result in {KEPT.parent.name}/{KEPT.name}")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        torch.set_num_threads(chosen.threads)
        print(json.dumps({"apart": apart()} if chosen.one == ["apart"] else once(*chosen.one, chosen.threads)))
        return
    found = {what: {form: [] for form in FORMS} for what in WHAT}
    for _ in range(chosen.repeats):  # in turns, so that a slow minute slows all of them
        for what in WHAT:
            for form in FORMS:
                found[what][form].append(child(what, form, threads=chosen.threads))
    measured = {what: {form: middle(x) for form, x in forms.items()} for what, forms in found.items()}
    record = {"measured": measured, **child("apart", threads=chosen.threads), "published": PUBLISHED}
    record |= {"threads": chosen.threads, "machine": machine(), "torch": torch.__version__}
    text = json.dumps(record | {"made": datetime.now(UTC).isoformat(timespec="seconds")}, indent=1)
    print(text)
    if chosen.write:
        replace_file(KEPT, (text + "\n").encode())


if __name__ == "__main__":
    main()
