"""The commands of the night: `python -m mmlib.results night | nightly | reproduce | run | rerun`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmlib.notebooks import said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mmlib.results", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    night = commands.add_parser("night", help="run what the claims ask for and no current record answers")
    night.add_argument("--chapter", help="only this chapter")
    night.add_argument("--preset", default="night")
    reproduce = commands.add_parser("reproduce", help="one chapter: its grid, or its one run if it makes no claims")
    reproduce.add_argument("chapter", nargs="?", help="number, name or path")
    reproduce.add_argument("--preset", default="night")
    for command in (night, reproduce):
        command.add_argument("--data")
        command.add_argument("--variant")
        command.add_argument("--seed", type=int)
        command.add_argument("--force", action="store_true", help="run what is current, too")
    nightly = commands.add_parser("nightly", help="make some published runs again, and report drift")
    nightly.add_argument("--chapter")
    nightly.add_argument("--preset", help="only runs of this preset")
    nightly.add_argument("--count", type=int, default=3, help="runs per paper")
    nightly.add_argument("--day", help="which day's sample (default: today)")
    for command in (night, reproduce, nightly):
        command.add_argument("--jobs", type=_count, help="runs at once (default: one per processor)")
        command.add_argument(
            "--said", action="store_true", help="take CHAPTER, PRESET, ... from the environment (make)"
        )
    commands.add_parser("run", help="one run (the queue calls this)").add_argument("name")
    rerun = commands.add_parser("rerun", help="make one published run again, and compare")
    rerun.add_argument("name", help="such as training/rate_4e3-ministreet-night-0")
    rerun.add_argument("--day", default="", help="the night whose sample it belongs to (the queue says this)")
    for command in commands.choices.values():
        command.add_argument("--build", default="_build")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def _with_said(parser: argparse.ArgumentParser, argv: list[str] | None) -> argparse.Namespace:
    """The arguments; with --said, those that make was told come from the environment, as data."""
    args = parser.parse_args(argv)
    if not getattr(args, "said", False):
        return args
    told = {name: value for name, value in said().items() if hasattr(args, name)}
    words = [f"--{name}={value}" for name, value in told.items() if name not in ("chapter", "force")]
    args = parser.parse_args([args.command, *words])
    args.chapter = told.get("chapter")
    if "force" in told:
        args.force = True
    return args


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    args = _with_said(_parser(), argv)
    try:
        return _run(args)
    except (ValueError, FileNotFoundError, RuntimeError) as error:
        print(f"mmlib.results: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mmlib.results: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace) -> int:
    from mmlib.results import night

    if args.command == "run":
        print(f"{args.name}: {night.run_one(args.name, args.build)}")
        return 0
    if args.command == "rerun":
        print(night.rerun_one(args.name, args.build, args.day))
        return 0
    if args.command == "nightly":
        return night.nightly(build=args.build, chapter=args.chapter, count=args.count, jobs=args.jobs, day=args.day,
                             preset=args.preset)  # fmt: skip
    only = {"data": args.data, "variant": args.variant, "seed": args.seed}
    same = {"preset": args.preset, "build": args.build, "only": only, "jobs": args.jobs, "force": args.force}
    if args.command == "night":
        return night.night(chapter=args.chapter, **same)
    return _reproduce(args, same)


def _reproduce(args: argparse.Namespace, same: dict) -> int:
    """The grid of a chapter that makes claims; else the one run that was asked for."""
    from mmlib.notebooks import execute, find
    from mmlib.results import night

    if not args.chapter:
        raise ValueError("expected a chapter, got none; next: make reproduce CHAPTER=05")
    try:
        night.chosen(args.chapter)
    except FileNotFoundError:
        pass
    else:
        return night.night(chapter=args.chapter, **same)
    chapter, output = find(args.chapter), Path(args.build) / "runs"
    if args.variant not in (None, "default"):
        raise ValueError(f"{chapter.name} makes no claims and has no variants, got VARIANT={args.variant!r}")
    given = {name: value for name, value in same["only"].items() if value is not None}
    made = execute(chapter, output / f"{chapter.stem}-{args.preset}.ipynb", preset=args.preset,
                   parameters={**given, "out": "results"})  # fmt: skip
    print(f"ran {chapter.name}: {made}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
