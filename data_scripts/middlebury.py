"""Middlebury optical flow: obtain, verify, arrange. From the repository the flow is the original .flo."""

from mmlib.data.obtain import Recipe, github, main

SEQUENCES = "Dimetrodon|Grove2|Grove3|Hydrangea|RubberWhale|Urban2|Urban3|Venus"

RECIPE = Recipe(
    name="middlebury",
    folder="middlebury_flow",
    about="Middlebury optical flow: the 8 public colour sequences with ground truth, frame10 to frame11.",
    terms="none in the repository; upstream: vision.middlebury.edu/flow (Baker et al., IJCV 2011); cite it",
    sources=(
        github(
            "vmlane/6.869Project",
            "3b444b5db4e23b2abe231b4c371a483fb1ea46e5",
            (rf"other-data/((?:{SEQUENCES})/frame1[01]\.png)", r"other-data/\1"),
            (rf"other-gt-flow/((?:{SEQUENCES})/flow10\.flo)", r"other-gt-flow/\1"),
        ),
    ),
    counts={"other-data": 16, "other-gt-flow": 8},
    manual=(
        "by hand from the benchmark itself, vision.middlebury.edu/flow/data: other-color-twoframes.zip and "
        "other-gt-flow.zip (hashes unseen); unpack other-data/ and other-gt-flow/ into the folder",
    ),
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
