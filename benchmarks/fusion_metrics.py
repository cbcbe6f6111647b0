"""How fast is the library's measuring and drawing? One table, in one run, on one core.

    python benchmarks/fusion_metrics.py
    python benchmarks/fusion_metrics.py --evaluator CDDFuse/utils/Evaluator.py --pairs 12

First the eight metrics that CDDFuse's evaluator reports, for one 480 x 640 triplet: `mmlib.metrics.fusion.evaluate`
beside a direct version written here, NumPy and SciPy in float64 with every window a 2-D convolution, as the published
evaluator does it. Both must give the same values. With `--evaluator` the published evaluator itself, from your copy of
its repository, is timed in the same run. Then all 18 metrics of the convention "dominant" on pairs of MSRS, reading
included, where MSRS is at hand; and MiniStreet's scenes with all fields.

Times are CPU time, of the fastest of a few repetitions where there are some, so that a busy machine disturbs them less;
ratios are what counts. What is said of two cores is extrapolated: half of one core's time.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import torch
from scipy.ndimage import uniform_filter
from scipy.signal import convolve2d

from mmlib.data import load
from mmlib.fusion import rules
from mmlib.images import luma
from mmlib.metrics.fusion import CONVENTIONS, METRICS, evaluate
from mmlib.metrics.fusion.levels import Planes, planes

REPORTED = ("en", "sd", "sf", "mi", "scd", "vif", "qabf", "ssim")
SIZE = (480, 640)
TOLERANCE = 1e-9


def triplet(seed: int = 0) -> list[np.ndarray]:
    """An 8-bit fused, visible and infrared image: smooth shapes, edges and noise; fused is the sources' mean."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    rgb = 120 + 60 * np.sin(x / 23) * np.cos(y / 31) + 40 * (x % 97 < 30) + rng.normal(0, 6, SIZE)
    ir = 60 + 150 * ((x - 300) ** 2 + (y - 200) ** 2 < 90**2) + 20 * np.sin(y / 11) + rng.normal(0, 4, SIZE)
    rgb, ir = (image.clip(0, 255).round() for image in (rgb, ir))
    return [((rgb + ir) / 2).round(), rgb, ir]


def direct(f: np.ndarray, a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """The eight metrics from their formulas, windows as 2-D convolutions."""
    return {
        "en": entropy(f.astype(int)),
        "sd": f.std(),
        "sf": np.sqrt((np.diff(f, axis=1) ** 2).mean() + (np.diff(f, axis=0) ** 2).mean()),
        "mi": information(a, f) + information(b, f),
        "scd": np.corrcoef((f - b).ravel(), a.ravel())[0, 1] + np.corrcoef((f - a).ravel(), b.ravel())[0, 1],
        "vif": fidelity(a, f) + fidelity(b, f),
        "qabf": edges_kept(f, a, b),
        "ssim": similarity(a, f) + similarity(b, f),
    }


def entropy(levels: np.ndarray) -> float:
    shares = np.bincount(levels.ravel()) / levels.size
    return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())


def information(a: np.ndarray, f: np.ndarray) -> float:
    joint = np.histogram2d(a.ravel(), f.ravel(), bins=256, range=[[0, 256], [0, 256]])[0] / a.size
    outer = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    used = joint > 0
    return float((joint[used] * np.log(joint[used] / outer[used])).sum())


def fidelity(a: np.ndarray, f: np.ndarray) -> float:
    kept = present = 0.0
    for size in (17, 9, 5, 3):
        r = np.arange(size) - size // 2
        window = np.exp(-(r[:, None] ** 2 + r**2) / (2 * (size / 5) ** 2))
        window /= window.sum()
        if size < 17:
            a, f = (convolve2d(image, window, "valid")[::2, ::2] for image in (a, f))
        mean_a, mean_f = convolve2d(a, window, "valid"), convolve2d(f, window, "valid")
        var_a = (convolve2d(a * a, window, "valid") - mean_a**2).clip(0)
        var_f = (convolve2d(f * f, window, "valid") - mean_f**2).clip(0)
        cov = convolve2d(a * f, window, "valid") - mean_a * mean_f
        flat = (var_a < 1e-10) | (var_f < 1e-10)
        gain = np.where(flat, 0, cov / (var_a + 1e-10)).clip(0)
        rest = (var_f - gain * cov).clip(1e-10)
        kept += np.log10(1 + gain**2 * var_a / (rest + 2)).sum()
        present += np.log10(1 + var_a / 2).sum()
    return kept / present


def sobel(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    x, y = convolve2d(image, kernel, "same"), convolve2d(image, -kernel.T, "same")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.hypot(x, y), np.where(x == 0, np.pi / 2, np.arctan(y / x))


def edges_kept(f: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    strength_f, angle_f = sobel(f)
    above = below = 0.0
    for strength, angle in (sobel(a), sobel(b)):
        with np.errstate(invalid="ignore"):
            ratio = np.minimum(strength, strength_f) / np.maximum(strength, strength_f)
        ratio = np.where(strength == strength_f, strength_f, ratio)
        turn = 1 - abs(angle - angle_f) / (np.pi / 2)
        kept = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + np.exp(-22 * (turn - 0.8)))
        above, below = above + (kept * strength).sum(), below + strength.sum()
    return above / below


def similarity(a: np.ndarray, f: np.ndarray) -> float:
    """SSIM, 7 x 7 uniform, sample covariance, L = 2 on grey levels 0..255: what CDDFuse's table holds."""
    mean_a, mean_f, aa, ff, af = (uniform_filter(x, 7)[3:-3, 3:-3] for x in (a, f, a * a, f * f, a * f))
    var_a, var_f, cov = (x * 49 / 48 for x in (aa - mean_a**2, ff - mean_f**2, af - mean_a * mean_f))
    c1, c2 = 0.02**2, 0.06**2
    top = (2 * mean_a * mean_f + c1) * (2 * cov + c2)
    return float((top / ((mean_a**2 + mean_f**2 + c1) * (var_a + var_f + c2))).mean())


def fastest(run: Callable[[], object], repetitions: int) -> float:
    """Milliseconds of CPU time of the fastest repetition."""
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def published(path: Path) -> Callable[[list[np.ndarray]], dict[str, float]]:
    """The eight metrics of the class Evaluator in that file, which takes the fused image first."""
    spec = importlib.util.spec_from_file_location("evaluator", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    evaluator = module.Evaluator

    def measure(images: list[np.ndarray]) -> dict[str, float]:
        fused = images[0]
        alone = {"en": evaluator.EN(fused), "sd": evaluator.SD(fused), "sf": evaluator.SF(fused)}
        names = {"mi": "MI", "scd": "SCD", "vif": "VIFF", "qabf": "Qabf", "ssim": "SSIM"}
        paired = {ours: getattr(evaluator, theirs)(*images) for ours, theirs in names.items()}
        return {name: float(value) for name, value in (alone | paired).items()}

    return measure


def alone(tensors: list[torch.Tensor]) -> dict[str, Callable[[], object]]:
    """Each of the eight metrics by itself, on grey levels that are already converted."""
    ready = [Planes(levels) for levels in planes(*tensors, quantise=True)]
    return {name: partial(METRICS[name], *ready, **CONVENTIONS["cddfuse"][name]) for name in REPORTED}


def of_msrs(count: int) -> float:
    """Milliseconds of CPU time a pair: reading it, averaging it, and all metrics of "dominant"."""
    pairs = load("msrs", boxes=None).select("rgb", "ir")
    pairs = pairs[:: max(1, len(pairs) // count)][:count]
    start = time.process_time()
    for pair in pairs:
        rgb, ir = pair["rgb"][None], pair["ir"][None]
        evaluate(rules.average(luma(rgb), ir), rgb, ir)
    return 1000 * (time.process_time() - start) / len(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--evaluator", type=Path, help="CDDFuse's Evaluator.py, timed in the same run")
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="pairs of MSRS, of its 361")
    parser.add_argument("--scenes", type=int, default=0, metavar="N", help="scenes of MiniStreet at 128 x 256")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    arrays = triplet()
    tensors = [torch.from_numpy(image / 255).float()[None, None] for image in arrays]

    def ours() -> dict[str, torch.Tensor]:
        return evaluate(*tensors, metrics=REPORTED, convention="cddfuse")

    values, expected = {name: float(value) for name, value in ours().items()}, direct(*arrays)
    for name in REPORTED:
        difference = abs(values[name] - expected[name]) / abs(expected[name])
        print(f"{name:5} {values[name]:12.6f}   direct {expected[name]:12.6f}   relative difference {difference:.1e}")
        if difference > TOLERANCE:
            raise SystemExit(f"{name} differs from the direct version by more than {TOLERANCE}")
    slow, fast = fastest(lambda: direct(*arrays), 3), fastest(ours, 15)
    times = {"eight metrics, mmlib": fast, "the same, direct 2-D convolutions": slow}
    found = [f"{slow / fast:.1f} times as fast as the direct version"]
    if chosen.evaluator:
        theirs = published(chosen.evaluator)
        for name, value in theirs(arrays).items():
            print(f"{name:5} {values[name]:12.6f}   published {value:12.6f}")
        their_time = fastest(lambda: theirs(arrays), 3)
        times["the same, the published evaluator"] = their_time
        found.append(f"{their_time / fast:.1f} times as fast as the published evaluator")
    for name, one in alone(tensors).items():
        times[f"{name} alone, mmlib"] = fastest(one, 5)
    if chosen.pairs:
        per_pair = of_msrs(chosen.pairs)
        times[f"18 metrics on a pair of MSRS, mean of {chosen.pairs}"] = per_pair
        found.append(f"all 361 pairs of MSRS on two cores: {361 * per_pair / 2000:.0f} s")
    if chosen.scenes:
        from scenes import draw

        _, _, seconds, _ = draw((0, chosen.scenes, (128, 256)))
        per_scene = 1000 * seconds / chosen.scenes
        times[f"a scene of MiniStreet at 128 x 256, mean of {chosen.scenes}"] = per_scene
        found.append(f"scenes a second on two cores: {2000 / per_scene:.0f}")
    print("\n| what | CPU ms |\n|---|---|")
    for what, milliseconds in times.items():
        print(f"| {what} | {milliseconds:.1f} |")
    print("", *found, sep="\n")


if __name__ == "__main__":
    main()
