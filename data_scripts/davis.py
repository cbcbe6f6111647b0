"""DAVIS 2016 val: obtain, verify, arrange. From the repository it is 854x480, all frames (variant davis-480p)."""

from mmlib.data.obtain import Recipe, github, main

RECIPE = Recipe(
    name="davis",
    folder="davis2016val",
    about="DAVIS 2016 val: 20 sequences, 1376 frames of 854x480 with one object mask each.",
    terms="no licence for the data in the repository; upstream: DAVIS (Perazzi et al., CVPR 2016), check its terms",
    sources=(
        github(
            "MathLee/EOR-VOS",
            "1bde4d5f936304c5ad69e301956e9d65082dfbc8",
            (r"DAVIS/JPEGImages/480p/([^/]+/\d+\.jpg)", r"JPEGImages/480p/\1"),
            (r"DAVIS/Annotations/480p/([^/]+/\d+\.png)", r"Annotations/480p/\1"),
        ),
    ),
    counts={"JPEGImages/480p": 1376, "Annotations/480p": 1376},
    only_in_pack="captions_handwritten.json (ours) and the 428x240 copy: use --from with the data pack",
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
