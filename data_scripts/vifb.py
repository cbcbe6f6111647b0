"""VIFB: obtain, verify, arrange. The bytes are those of the repository, so the arranged set's digest is known."""

from mmlib.data.fusion_sets import VIFB_METHODS
from mmlib.data.obtain import Recipe, github, main

RECIPE = Recipe(
    name="vifb",
    folder="vifb",
    about="VIFB: 21 aligned infrared and visible pairs and the published fused images of 14 of its 25 methods, 9 MB.",
    terms="no licence in the repository; its README: for research; cite VIFB (2020), its source papers and ino.ca",
    sources=(
        github(
            "xingchenzhang/VIFB",
            "22b2ea9d91499cc5962d9bdcae9c290270f0fade",
            (r"input/VI/([^/]+\.jpg)", r"vi/\1"),
            (r"input/IR/([^/]+\.jpg)", r"ir/\1"),
            (rf"output/fused_images/([^/_]+_(?:{'|'.join(VIFB_METHODS)})\.jpg)", r"fused/\1"),
        ),
    ),
    counts={"vi": 21, "ir": 21, "fused": 294},
    digest="e91bb9efbb917cb282c2476804cd9a51d4aff4fc99a23f0793caab828b889f04",
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
