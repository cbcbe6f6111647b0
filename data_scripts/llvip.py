"""LLVIP: verify and arrange the archive, which a person has to download."""

from mmlib.data.obtain import Recipe, Source, main

COUNTS = {"train": 12025, "test": 3463}

RECIPE = Recipe(
    name="llvip",
    folder="llvip",
    about="LLVIP: 15488 aligned visible and infrared pairs at night, 1280x1024, with boxes of persons.",
    terms="for academic and non-academic, non-commercial use under the authors' licence terms (Jia et al., ICCVW 2021)",
    sources=(
        Source(
            "https://github.com/bupt-ai-cz/LLVIP/blob/main/download_dataset.md",
            "LLVIP.zip",
            (
                (r"(?:LLVIP/)?((?:visible|infrared)/(?:train|test)/\d{6}\.jpg)", r"\1"),
                (r"(?:LLVIP/)?(Annotations/\d{6}\.xml)", r"\1"),
            ),
            known="page seen; the archive's folders and counts as others describe them, its bytes unseen",
            by_hand=True,
        ),
    ),
    counts={f"{kind}/{split}": count for kind in ("visible", "infrared") for split, count in COUNTS.items()}
    | {"Annotations": 15488},
    manual=("follow the page to the registered set (not the raw one) and put LLVIP.zip into .downloads/",),
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
