"""Measure how MiniStreet compares with real streets, and write results/scenes/calibration.json.

    MMLIB_DATA=... python data_scripts/calibrate.py [--scenes 150]

Contrast of pedestrians and cars inside MSRS's real boxes (day and night, rgb luma and infrared), flow magnitudes of
CamVid's 15 Hz clip (DIS flow), class shares of CamVid train; and the same on MiniStreet. Prints what does not
match. Nothing is fitted here: MiniStreet's defaults were set by hand from these numbers, once, before any model was
trained.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from mmlib.data import data_root
from mmlib.scenes import CLASSES, VERSION, fingerprint
from mmlib.scenes.calibration import (
    LUMA,
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
MSRS_THINGS = {0: "person", 2: "car"}  # class 1, bicycle, has no counterpart of its own
_CAMVID_NAMES = ("sky", "building", "sign", "road", "sidewalk", "vegetation", "sign", "fence", "car", "person", "rider")
CAMVID = dict(enumerate(_CAMVID_NAMES))
TOLERANCE = {"contrast": 0.07, "hardly_seen": 0.25, "flow": 0.6, "share": 6.0}
"""What counts as near: median |contrast| within 0.07 (of 1) and share hardly seen within 0.25; flow percentiles
within a factor of 1.6; class shares within 6 points of the picture."""


def real_contrasts(root: Path, letter: str) -> dict:
    """Contrast summaries inside MSRS's boxes (drawn by people on the fused pair) of images named ...D or ...N."""
    found: dict[str, list[float]] = {f"{thing} {sense}": [] for thing in THINGS for sense in ("rgb", "ir")}
    for path in sorted((root / "msrs" / "vi").glob(f"*{letter}.jpg")):
        rgb = np.asarray(Image.open(path), np.float32) / 255
        greys = {"rgb": rgb @ np.array(LUMA, np.float32)}
        greys["ir"] = np.asarray(Image.open(root / "msrs" / "ir" / path.name).convert("L"), np.float32) / 255
        h, w = greys["rgb"].shape
        for line in (root / "msrs" / "labels_det" / "fusion" / f"{path.stem}.txt").read_text().splitlines():
            number, cx, cy, bw, bh = (float(v) for v in line.split())
            box = ((cx - bw / 2) * w, (cy - bh / 2) * h, (cx + bw / 2) * w, (cy + bh / 2) * h)
            for sense, grey in greys.items():
                value = contrast(grey, box) if int(number) in MSRS_THINGS else None
                if value is not None:
                    found[f"{MSRS_THINGS[int(number)]} {sense}"].append(value)
    return {name: summary(values) for name, values in found.items()}


def real_shares(root: Path) -> dict[str, float]:
    """Share of labelled pixels of each class in CamVid train, per cent; pole and sign are one class here."""
    counts = np.zeros(12)
    for path in sorted((root / "camvid" / "train" / "labels").glob("*.png")):
        counts += np.bincount(np.asarray(Image.open(path)).ravel(), minlength=12)[:12]
    shares = dict.fromkeys(CLASSES, 0.0)
    for number, name in CAMVID.items():
        shares[name] += round(100 * float(counts[number] / counts[:11].sum()), 3)
    return {name: round(v, 3) for name, v in shares.items()}


def real_flow(root: Path, every: int = 5) -> dict[str, float]:
    """Flow magnitude of CamVid's 15 Hz clip, per mille of the image width, by DIS (OpenCV) on every fifth pair."""
    import cv2

    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    pairs = [line.split() for line in (root / "camvid" / "video_pairs_0016E5_15hz.txt").read_text().splitlines()]
    values = []
    for names in pairs[::every]:
        grey = [cv2.imread(str(root / "camvid" / "val" / "images" / f"{n}.jpg"), cv2.IMREAD_GRAYSCALE) for n in names]
        flow = estimator.calc(grey[0], grey[1], None)
        values.append(np.hypot(flow[..., 0], flow[..., 1]).ravel()[::7] / grey[0].shape[1] * 1000)
    return magnitudes(np.concatenate(values))


def differences(record: dict) -> list[str]:
    """What lies outside the tolerances, in words."""
    found = []
    for time in TIMES:
        for name, real in record["contrast"]["real"][time].items():
            ours = record["contrast"]["ministreet"][time][name]
            for key, limit in (("median", TOLERANCE["contrast"]), ("hardly_seen", TOLERANCE["hardly_seen"])):
                if abs(ours[key] - real[key]) > limit:
                    found.append(
                        f"{time} {name} {key}: real {real[key]:.3f}, MiniStreet {ours[key]:.3f} (limit {limit})"
                    )
    for key, real in record["flow"]["real"].items():
        ours = record["flow"]["ministreet"][key]
        if not real / (1 + TOLERANCE["flow"]) <= ours <= real * (1 + TOLERANCE["flow"]):
            found.append(f"flow {key}: real {real:.2f}, MiniStreet {ours:.2f} per mille of the width")
    for key, real in record["shares"]["real"].items():
        ours = record["shares"]["ministreet"][key]
        if abs(ours - real) > TOLERANCE["share"]:
            found.append(f"share of {key}: real {real:.1f} %, MiniStreet {ours:.1f} %")
    return found


def write(record: dict) -> None:
    """Write the record whole or not at all."""
    OUT.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=OUT.parent, suffix=".part")
    with os.fdopen(handle, "w") as file:
        file.write(json.dumps(record, indent=1) + "\n")
    os.replace(name, OUT)


def main() -> None:
    """Measure both sides, write the record, print what does not match."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=150, help="MiniStreet scenes per time of day")
    parser.add_argument("--dry", action="store_true", help="print, do not write")
    chosen = parser.parse_args()
    root = data_root()
    contrasts = {"real": {}, "ministreet": {}}
    for time, letter in (("day", "D"), ("night", "N")):
        contrasts["real"][time] = real_contrasts(root, letter)
        contrasts["ministreet"][time] = ministreet_contrasts(time, chosen.scenes)
    record = {
        "version": VERSION,
        "fingerprint": fingerprint(),
        "data": {
            "contrast": "msrs-jpeg92 (test, boxes: fusion)",
            "flow": "camvid-jpeg92 (0016E5, 15 Hz)",
            "shares": "camvid (train)",
        },
        "scenes": chosen.scenes,
        "tolerance": TOLERANCE,
        "contrast": contrasts,
        "flow": {"real": real_flow(root), "ministreet": ministreet_flow(chosen.scenes)},
        "shares": {"real": real_shares(root), "ministreet": ministreet_shares(chosen.scenes)},
    }
    record["outside_tolerance"] = differences(record)
    if not chosen.dry:
        write(record)
    for part in ("contrast", "flow", "shares"):
        print(part, json.dumps(record[part], indent=1))
    print("outside tolerance:", *(record["outside_tolerance"] or ["nothing"]), sep="\n  ")


if __name__ == "__main__":
    main()
