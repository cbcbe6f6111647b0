"""MSRS's test split with boxes: obtain, verify, arrange. From the repositories the images are lossless (msrs-png)."""

from pathlib import Path

from mmlib.data.obtain import Recipe, github, main

SENSORS = ("visible", "infrared", "fusion")


def add_empty_box_files(folder: Path) -> None:
    """An image without objects gets an empty box file: the release leaves it out, the loader wants to know."""
    for sensor in SENSORS:
        for image in (folder / "vi").iterdir():
            (folder / "labels_det" / sensor / f"{image.stem}.txt").touch()


RECIPE = Recipe(
    name="msrs",
    folder="msrs",
    about="MSRS, official test split: 361 aligned infrared and visible road pairs, with human detection boxes.",
    terms="no licence file seen at MSRS (cite PIAFusion, 2022) nor for the boxes; research use with citation",
    sources=(
        github(
            "ycc568/my-seafusion",
            "cff58e5c005f5b189010b5de5f5869277852dfa8",
            (r"datasets/test_imgs/vi/([^/]+\.png)", r"vi/\1"),
            (r"datasets/test_imgs/ir/([^/]+\.png)", r"ir/\1"),
        ),
        github(
            "Lele-3/MSRS-detection-label",
            "cb6ffc0a3ee64f979d79a6a0ebf666761decb16a",
            *((rf"{sensor}/test/(\d+[DN]\.txt)", rf"labels_det/{sensor}/\1") for sensor in SENSORS),
        ),
    ),
    counts={"vi": 361, "ir": 361} | {f"labels_det/{sensor}": 361 for sensor in SENSORS},
    finish=add_empty_box_files,
    only_in_pack="the derived masks (weak_masks, mfnet_pseudo, consensus_masks) and our splits: --from the data pack",
    manual=(
        "MSRS's own Segmentation_labels/ could not be obtained when this was written: where you have them, put the "
        "PNGs (ids 0..8) into msrs/labels_seg/ and load with labels=True",
    ),
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
