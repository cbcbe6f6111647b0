"""Compute the optical flow of a data set's pairs once and keep it beside the set, as mmlib.data.flow_files says.

python data_scripts/flow.py cityscapes --split val --towards previous --method dis
"""

import argparse
import json
import sys
import time

from mmlib import data
from mmlib.data.flow_files import TOWARDS, check_flow, precompute_flow
from mmlib.flow import METHODS, MethodMissing

PAIRS = {"cityscapes": {"frame": True}, "davis": {"pairs": True}, "camvid_video": {}, "middlebury": {}}
"""Sets that have pairs of frames, and the options with which they show them."""

WITH_SPLITS = ("cityscapes", "davis")


def pairs(name: str, split: str | None, towards: str) -> data.Dataset:
    """The set with both frames of every pair."""
    options = PAIRS[name] | ({"towards": towards} if name == "cityscapes" else {})
    return data.load(name, split if name in WITH_SPLITS else None, **options)


def part(text: str) -> tuple[int, int]:
    """ "2/4" -> (1, 4): the second of four processes."""
    number, _, count = text.partition("/")
    return int(number) - 1, int(count)


def option(text: str) -> tuple[str, object]:
    """ "preset=fast" or "window=21" -> (name, value); a value is JSON where it can be, else text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=tuple(PAIRS))
    parser.add_argument("--split", help=f"of {' and '.join(WITH_SPLITS)}; the other sets have one part")
    parser.add_argument("--method", choices=METHODS, default="dis")
    parser.add_argument("--towards", choices=TOWARDS, default="next", help="the frame that the flow leads to")
    parser.add_argument("--name", help="what the flows are called (default: as the method)")
    parser.add_argument("--option", type=option, action="append", default=[], metavar="NAME=VALUE",
                        help="of the method, such as preset=fast")  # fmt: skip
    parser.add_argument("--part", type=part, default=(0, 1), metavar="I/N", help="share the work of N processes")
    parser.add_argument("--check", action="store_true", help="read every flow that is there, compute nothing")
    return parser.parse_args(argv)


def progress(start: float):
    """Says where a run is, at most every five seconds, and at its end."""
    shown = start

    def tell(done: int, count: int) -> None:
        nonlocal shown
        if time.monotonic() - shown > 5 or done == count:
            shown = time.monotonic()
            print(f"  {done} of {count}, {shown - start:.0f} s", file=sys.stderr)

    return tell


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 all flows are there, 1 they are not."""
    args = arguments(argv)
    name = args.name or args.method
    try:
        dataset = pairs(args.set, args.split, args.towards)
        if args.check:
            problems = check_flow(dataset, name, args.towards)
            print("\n".join([*problems, f"{args.set}: {len(problems)} problems among {len(dataset)} flows"]))
            return 1 if problems else 0
        tell = progress(time.monotonic())
        options = {"name": name, "part": args.part, "tell": tell} | dict(args.option)
        written = precompute_flow(dataset, args.method, args.towards, **options)
    except (data.DataMissing, MethodMissing, ValueError, TypeError, OSError) as error:
        print(f"{args.set}: {error}", file=sys.stderr)
        return 1
    print(
        f"{args.set}: {written} flows written, the others were there: load with flow {name!r}, towards {args.towards}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
