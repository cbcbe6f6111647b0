"""MFNet's road scenes in four channels: verify and arrange the archive, which a person has to download."""

from mmlib.data.obtain import Recipe, Source, main

LISTS = r"(train|val|test|test_day|test_night)\.txt"

RECIPE = Recipe(
    name="mfnet",
    folder="mfnet",
    about="MFNet: 1569 road scenes (820 by day, 749 at night), 640x480, RGB and thermal in one PNG, nine label ids.",
    terms="unseen; see the project page (Ha et al., IROS 2017)",
    sources=(
        Source(
            "https://www.mi.t.u-tokyo.ac.jp/static/projects/mil_multispectral/",
            "ir_seg_dataset.zip",
            (
                (r"(?:[^/]+/)?(images|labels)/(\d+[DN]\.png)", r"\1/\2"),
                (rf"(?:[^/]+/)?{LISTS}", r"\1.txt"),
            ),
            known="page named by the authors' code; the archive's name and folders seen in others' instructions, its "
            "bytes unseen",
            by_hand=True,
        ),
    ),
    counts={"images": 1569, "labels": 1569},
    manual=("open the project page, follow it to ir_seg_dataset.zip (a shared drive), put that into .downloads/",),
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
