"""GTA5 ("Playing for Data"): obtain its twenty archives, verify, arrange, and turn the authors' split into lists."""

from pathlib import Path

from mmlib.data.obtain import Recipe, Source, main

HOME = "https://download.visinf.tu-darmstadt.de/data/from_games"
SPLIT = "split.mat"


def write_lists(folder: Path) -> None:
    """train.txt, val.txt and test.txt from split.mat, where it is; its keys are trainIds, valIds and testIds."""
    if not (folder / SPLIT).is_file():
        return
    try:
        from scipy.io import loadmat
    except ImportError:
        raise ValueError(f"{SPLIT} is read with SciPy: pip install scipy, or leave the file out") from None
    splits = loadmat(folder / SPLIT)
    missing = [key for part in ("train", "val", "test") if (key := f"{part}Ids") not in splits]
    if missing:
        raise ValueError(f"{folder / SPLIT}: expected the keys trainIds, valIds, testIds, got {sorted(splits)}")
    for part in ("train", "val", "test"):
        names = [f"{int(i):05d}" for i in splits[f"{part}Ids"].ravel()]
        (folder / f"{part}.txt").write_text("\n".join(names) + "\n")


RECIPE = Recipe(
    name="gta5",
    folder="gta5",
    about="GTA5: 24966 frames of a game, about 1914x1052, with label images (paletted PNG) in Cityscapes' ids.",
    terms="unseen; see the authors' page (Richter et al., ECCV 2016) for what may be done with frames of a game",
    sources=(
        *(
            Source(
                f"{HOME}/data/{number:02d}_{kind}.zip",
                f"gta5_{number:02d}_{kind}.zip",
                ((rf"(?:.+/)?{kind}/(\d{{5}}\.png)", rf"{kind}/\1"),),
                known="address seen in a public README; the archive's own layout unseen",
            )
            for kind in ("images", "labels")
            for number in range(1, 11)
        ),
        Source(
            f"{HOME}/",
            SPLIT,
            known="the name and keys of the file seen in public code; where the page keeps it unseen",
            by_hand=True,
            optional=True,
        ),
    ),
    counts={"images": 24966, "labels": 24966},
    finish=write_lists,
    manual=(
        f"for the authors' splits: take {SPLIT} from the page and put it into the data "
        "root's .downloads/ before you start; without it load(split=None) gives all frames",
    ),
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
