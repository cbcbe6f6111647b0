"""Measure how MiniStreet compares with real streets, and write results/scenes/calibration.json.

    MMLIB_DATA=... python data_scripts/calibrate.py [--scenes 150] [--dry]

Contrast of pedestrians and cars inside MSRS's real boxes (day and night, rgb luma and infrared), flow magnitudes of
CamVid's 15 Hz clip (DIS flow), class shares of CamVid train; and the same on MiniStreet. Prints what does not match.
Nothing is fitted here: MiniStreet's defaults were set by hand from these numbers, once, before any model was trained.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from mmlib.data import Dataset, load
from mmlib.files import replace_file
from mmlib.images import luma
from mmlib.scenes import CLASSES, VERSION, fingerprint
from mmlib.scenes.calibration import (
    THINGS,
    TIMES,
    contrast,
    magnitudes,
    ministreet_contrasts,
    ministreet_flow,
    ministreet_shares,
    summary,
)

OUT = Path(__file__).resolve().parents[1] / "results" / "scenes" / "calibration.json"

OURS = {"pole": "sign", "pavement": "sidewalk", "tree": "vegetation", "pedestrian": "person", "bicyclist": "rider"}
"""CamVid's names for our classes, where they differ; poles and signs are one class here, walls have no counterpart."""

TOLERANCE = {"contrast": 0.07, "hardly_seen": 0.25, "flow": 0.6, "share": 6.0}
"""What counts as near: median |contrast| within 0.07 (of 1) and share hardly seen within 0.25; flow percentiles
within a factor of 1.6; class shares within 6 points of the picture."""


def real_contrasts(pairs: Dataset, time: str) -> dict:
    """Contrast summaries inside MSRS's boxes, which people drew on the fused pair, of its images by day or by night."""
    found: dict[str, list[float]] = {f"{thing} {sense}": [] for thing in THINGS for sense in ("rgb", "ir")}
    for sample in pairs:
        if sample["time"] != time:
            continue
        greys = {"rgb": luma(sample["rgb"][None])[0, 0].numpy(), "ir": sample["ir"][0].numpy()}
        for box, number in zip(sample["boxes"].tolist(), sample["box_labels"].tolist()):
            for sense, grey in greys.items():
                value, name = contrast(grey, box), pairs.box_classes[number]
                if name in THINGS and value is not None:
                    found[f"{name} {sense}"].append(value)
    return {name: summary(values) for name, values in found.items()}


def real_shares(images: Dataset) -> dict[str, float]:
    """Share of labelled pixels of each class in CamVid train, per cent."""
    counts = np.zeros(256)
    for sample in images.select("labels"):
        counts += np.bincount(sample["labels"].numpy().ravel(), minlength=256)
    shares = dict.fromkeys(CLASSES, 0.0)
    for number, name in enumerate(images.classes):
        shares[OURS.get(name, name)] += 100 * counts[number] / counts[: len(images.classes)].sum()
    return {name: round(value, 3) for name, value in shares.items()}


def real_flow(clip: Dataset, every: int = 5) -> dict[str, float]:
    """Flow magnitude of CamVid's 15 Hz clip, per mille of the image width, by DIS (OpenCV) on every fifth pair."""
    import cv2

    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    values = []
    for k in range(0, len(clip), every):
        sample = clip[k]
        now, then = ((255 * luma(sample[f][None])[0, 0]).round().byte().numpy() for f in ("rgb", "rgb_next"))
        flow = estimator.calc(now, then, None)
        values.append(np.hypot(flow[..., 0], flow[..., 1]).ravel()[::7] / now.shape[1] * 1000)
    return magnitudes(np.concatenate(values))


def differences(record: dict) -> list[str]:
    """What lies outside the tolerances, in words."""
    found = []
    for time in TIMES:
        for name, real in record["contrast"]["real"][time].items():
            ours = record["contrast"]["ministreet"][time][name]
            for key, limit in (("median", TOLERANCE["contrast"]), ("hardly_seen", TOLERANCE["hardly_seen"])):
                if abs(ours[key] - real[key]) > limit:
                    found.append(f"{time} {name} {key}: real {real[key]:.3f}, MiniStreet {ours[key]:.3f}")
    for key, real in record["flow"]["real"].items():
        ours = record["flow"]["ministreet"][key]
        if not real / (1 + TOLERANCE["flow"]) <= ours <= real * (1 + TOLERANCE["flow"]):
            found.append(f"flow {key}: real {real:.2f}, MiniStreet {ours:.2f} per mille of the width")
    for key, real in record["shares"]["real"].items():
        ours = record["shares"]["ministreet"][key]
        if abs(ours - real) > TOLERANCE["share"]:
            found.append(f"share of {key}: real {real:.1f} %, MiniStreet {ours:.1f} %")
    return found


def measure(scenes: int) -> dict:
    """The record: both sides of every comparison, and the exact data they were measured on."""
    pairs, images, clip = load("msrs", boxes="fusion"), load("camvid", split="train"), load("camvid_video")
    sets = {"contrast": pairs, "flow": clip, "shares": images}
    record = {
        "version": VERSION,
        "fingerprint": fingerprint(),
        "data": {part: f"{d.variant} {d.fingerprint[:12]}" for part, d in sets.items()},
        "scenes": scenes,
        "tolerance": TOLERANCE,
        "contrast": {
            "real": {time: real_contrasts(pairs, time) for time in TIMES},
            "ministreet": {time: ministreet_contrasts(time, scenes) for time in TIMES},
        },
        "flow": {"real": real_flow(clip), "ministreet": ministreet_flow(scenes)},
        "shares": {"real": real_shares(images), "ministreet": ministreet_shares(scenes)},
    }
    return record | {"outside_tolerance": differences(record)}


def main() -> None:
    """Measure both sides, write the record, print what does not match."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=150, help="MiniStreet scenes per time of day")
    parser.add_argument("--dry", action="store_true", help="print, do not write")
    chosen = parser.parse_args()
    record = measure(chosen.scenes)
    if not chosen.dry:
        replace_file(OUT, (json.dumps(record, indent=1) + "\n").encode())
    print(json.dumps({part: record[part] for part in ("contrast", "flow", "shares")}, indent=1))
    print("outside tolerance:", *(record["outside_tolerance"] or ["nothing"]), sep="\n  ")


if __name__ == "__main__":
    main()
