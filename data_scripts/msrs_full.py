"""MSRS in full, training and test with real masks, and a third party's boxes: obtain, verify, arrange."""

from pathlib import Path

from mmlib.data.obtain import Recipe, Source, github, main

KINDS = ("vi", "ir", "Segmentation_labels")
COUNTS = {"train": 1083, "test": 361}


def add_empty_box_files(folder: Path) -> None:
    """An image without objects gets an empty box file: the release leaves it out, the loader wants to know."""
    for boxes in sorted((folder / "labels_det").glob("*/*")):
        images = {path.stem for path in (folder / boxes.name / "vi").iterdir()}
        lonely = sorted({path.stem for path in boxes.iterdir()} - images)
        if lonely:
            raise ValueError(f"{len(lonely)} box files in {boxes} have no image, such as {lonely[0]}.txt")
        for stem in images:
            (boxes / f"{stem}.txt").touch()


RECIPE = Recipe(
    name="msrs_full",
    folder="msrs_full",
    about="MSRS: 1083 training and 361 test pairs of road scenes, 640x480, nine label ids, and boxes by a third party.",
    terms="no licence file seen at MSRS (cite PIAFusion, 2022) nor for the boxes; research use with citation",
    sources=(
        Source(
            "https://codeload.github.com/Linfeng-Tang/MSRS/tar.gz/refs/heads/main",
            "Linfeng-Tang-MSRS-main.tar.gz",
            tuple((rf"[^/]+/(train|test)/{kind}/([^/]+\.png)", rf"\1/{kind}/\2") for kind in KINDS),
            known="address derived from the repository's name; its lists of files were seen for vi and ir, the folder "
            "Segmentation_labels only in others' code: unseen",
        ),
        github(
            "Lele-3/MSRS-detection-label",
            "cb6ffc0a3ee64f979d79a6a0ebf666761decb16a",
            *(
                (rf"{sensor}/(train|test)/(\d+[DN]\.txt)", rf"labels_det/{sensor}/\1/\2")
                for sensor in ("visible", "infrared", "fusion")
            ),
        ),
    ),
    counts={f"{split}/{kind}": count for split, count in COUNTS.items() for kind in KINDS},
    finish=add_empty_box_files,
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
