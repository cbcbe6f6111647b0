"""RoadScene: obtain, verify, arrange. The bytes are those of the repository, so the arranged set's digest is known."""

from mmlib.data.obtain import Recipe, github, main

RECIPE = Recipe(
    name="roadscene",
    folder="roadscene",
    about="RoadScene: 221 aligned infrared and visible road pairs, 9 MB, without labels.",
    terms="no licence in the repository; frames of the FLIR ADAS set; cite FusionDN (2020) and U2Fusion (2020)",
    sources=(
        github(
            "hanna-xu/RoadScene",
            "ab71420f8fc96396eeb97eecf3694909b3feb656",
            (r"crop_LR_visible/([^/]+\.jpg)", r"vi/\1"),
            (r"cropinfrared/([^/]+\.jpg)", r"ir/\1"),
        ),
    ),
    counts={"vi": 221, "ir": 221},
    digest="047cb9ec29c9f65dbdf98c547398f3c6638dcb2ad8d8e73da2843b2313d935af",
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
