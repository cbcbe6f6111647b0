"""TNO: obtain, verify, arrange. From the repository the pairs are lossless PNG (variant tno-png)."""

from mmlib.data.obtain import Recipe, github, main

RECIPE = Recipe(
    name="tno",
    folder="tno",
    about="TNO: 42 aligned infrared and visible grey pairs, without labels.",
    terms="no licence in the repository; upstream: A. Toet, TNO Image Fusion Dataset (figshare); cite it",
    sources=(
        github(
            "Linfeng-Tang/Evaluation-for-Image-Fusion",
            "0e87153be77320e31ef2cabb5820518d2ac56bac",
            (r"Image/Source-Image/TNO/vi/([^/]+\.png)", r"vi/\1"),
            (r"Image/Source-Image/TNO/ir/([^/]+\.png)", r"ir/\1"),
        ),
    ),
    counts={"vi": 42, "ir": 42},
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
