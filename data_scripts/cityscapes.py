"""Cityscapes: verify and arrange the archives, for which one needs an account; say which neighbouring frames came."""

from pathlib import Path

from mmlib.data.cityscapes import snippets
from mmlib.data.obtain import Recipe, Source, main

HOME = "https://www.cityscapes-dataset.com/downloads/"


def check_labels_and_snippets(folder: Path) -> None:
    """Every training and validation image has its label image; how many have their neighbours is said, not demanded."""
    for split in ("train", "val"):
        images = (folder / "leftImg8bit" / split).glob("*/*_leftImg8bit.png")
        stems = {path.name.removesuffix("_leftImg8bit.png") for path in images}
        labels = (folder / "gtFine" / split).glob("*/*_gtFine_labelIds.png")
        missing = sorted(stems - {path.name.removesuffix("_gtFine_labelIds.png") for path in labels})
        if missing:
            raise ValueError(f"{split}: {len(missing)} images have no labels in gtFine/, such as {missing[0]}")
        if stems:
            print(f"  {split}: " + ", ".join(f"{count} {what}" for what, count in snippets(split, folder).items()))


def archive(kind: str, ending: str, optional: bool) -> Source:
    """One of the archives that the page offers, and what is taken from it."""
    return Source(
        HOME,
        f"{kind}_trainvaltest.zip",
        ((rf"({kind}/(?:train|val|test)/[^/]+/[^/]+{ending})", r"\1"),),
        known="layout stated by the set's own README, the archive's name by others; its bytes unseen",
        by_hand=True,
        optional=optional,
    )


RECIPE = Recipe(
    name="cityscapes",
    folder="cityscapes",
    about="Cityscapes: 5000 street scenes of 50 cities, 2048x1024, 19 evaluated classes, with their video and stereo.",
    terms="an account and the set's own licence (unseen); no redistribution is assumed here (Cordts et al., CVPR 2016)",
    sources=(
        archive("leftImg8bit", r"_leftImg8bit\.png", optional=False),
        archive("gtFine", r"_gtFine_labelIds\.png", optional=False),
        archive("leftImg8bit_sequence", r"_leftImg8bit\.png", optional=True),
        archive("disparity", r"_disparity\.png", optional=True),
        archive("camera", r"_camera\.json", optional=True),
    ),
    counts={"leftImg8bit/train": 2975, "leftImg8bit/val": 500, "leftImg8bit/test": 1525},
    finish=check_labels_and_snippets,
    manual=(
        f"make an account at {HOME}, download leftImg8bit_trainvaltest.zip (11 GB) and gtFine_trainvaltest.zip "
        "(241 MB), and if wanted leftImg8bit_sequence_trainvaltest.zip (324 GB, for motion), disparity_ and "
        "camera_trainvaltest.zip (for depth), and put them into .downloads/",
        "or unpack them into cityscapes/ and use --adopt, again after each further archive",
        "flow for Flow2Seg: python data_scripts/flow.py cityscapes --split train --towards previous",
    ),
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
