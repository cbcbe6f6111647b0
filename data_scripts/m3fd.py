"""M3FD: verify and arrange the archives, which a person has to download, and take a split made of whole recordings."""

import os
from pathlib import Path

from mmlib.data.obtain import Recipe, Source, main
from mmlib.data.pairs import read_list

LISTS = "https://raw.githubusercontent.com/gjj45/DAMSDet/b3b31ed75a1f50187799816dcc33469e760f9177/dataset/coco_m3fd"
SIZES = {"train": 3368, "val": 831}


def arrange_lists(folder: Path) -> None:
    """The two lists to meta/, if they hold as many frames as was said; a scenario.json there has priority."""
    for split, count in SIZES.items():
        fetched, target = folder / f"damsdet_{split}.txt", folder / "meta" / f"{split}.txt"
        if fetched.is_file():
            got = len(read_list(fetched, "m3fd"))
            if got != count:
                raise ValueError(f"{fetched.name}: expected {count} frames, got {got}; look what has changed")
            target.parent.mkdir(exist_ok=True)
            os.replace(fetched, target)


def frames(suffix: str, folder: str, target: str) -> tuple[str, str]:
    """Which members of an archive go where."""
    return rf"(?:.+/)?{folder}/(\d{{5}}\.{suffix})", rf"{target}/\1"


RECIPE = Recipe(
    name="m3fd",
    folder="m3fd",
    about="M3FD: 4200 visible and infrared pairs, mostly 1024x768, boxes of six classes; 300 more pairs for fusion.",
    terms="unseen at its home; a public loader states GPL 3.0 (Liu et al., CVPR 2022)",
    sources=(
        Source(
            "https://github.com/JinyuanLiu-CV/TarDAL",
            "M3FD_Detection.zip",
            (frames("png", "Vis", "Vis"), frames("png", "Ir", "Ir"), frames("xml", "Annotation", "Annotation")),
            "62780f67569cd35e631aba449a45781e4eff4f3e2a4bb962dd02551f110a3407",
            known="repository seen; sha256 and folders as public loaders state them, the bytes unseen",
            by_hand=True,
        ),
        Source(
            "https://github.com/JinyuanLiu-CV/TarDAL",
            "M3FD_Fusion.zip",
            (frames("png", "Vis", "fusion/Vis"), frames("png", "Ir", "fusion/Ir")),
            "ec33d031bbd26697b75061972786526cdd815ee8111586813427d155ec522dfc",
            known="repository seen; sha256 as a public loader states it, folders and bytes unseen",
            by_hand=True,
            optional=True,
        ),
        Source(f"{LISTS}/train.txt", "damsdet_train.txt", known="address derived; the list was seen"),
        Source(f"{LISTS}/val.txt", "damsdet_val.txt", known="address derived; the list unseen, its length described"),
    ),
    counts={"Vis": 4200, "Ir": 4200, "Annotation": 4200},
    finish=arrange_lists,
    manual=(
        "follow TarDAL's README to the shared drive, put M3FD_Detection.zip (and M3FD_Fusion.zip, if you want the 300 "
        "pairs) into .downloads/; without a network unpack Vis/, Ir/ and Annotation/ into m3fd/ and use --adopt",
        "a split of your own: whole recordings in m3fd/meta/scenario.json, or m3fd/meta/train.txt and val.txt; never "
        "random frames",
    ),
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
