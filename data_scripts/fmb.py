"""FMB, SegMiF's set: verify and arrange the archive, which a person has to download."""

from mmlib.data.obtain import Recipe, Source, main

KINDS = ("Visible", "Infrared", "Label")

RECIPE = Recipe(
    name="fmb",
    folder="fmb",
    about="FMB: 1500 street pairs, visible and infrared, 800x600, fifteen label ids; 1220 for training, 280 for test.",
    terms="unseen; see the repository (Liu et al., ICCV 2023)",
    sources=(
        Source(
            "https://github.com/JinyuanLiu-CV/SegMiF",
            "FMB.zip",
            tuple((rf"(?:[^/]+/)*(train|test)/{kind}/([^/]+\.png)", rf"\1/{kind}/\2") for kind in KINDS),
            known="repository and the folders' names seen; the archive, its name and its bytes unseen",
            by_hand=True,
        ),
    ),
    counts={f"{split}/{kind}": count for split, count in (("train", 1220), ("test", 280)) for kind in KINDS},
    manual=(
        "follow the repository's README to the shared drive, put what it holds into .downloads/ as FMB.zip, or "
        "unpack it so that fmb/train/Visible/ and its like exist and use --adopt",
    ),
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
