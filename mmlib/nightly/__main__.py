"""The commands of the night: ``python -m mmlib.nightly night | reproduce | accept | run``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mmlib.nightly", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    night = commands.add_parser("night", help="run what is stale, judge, publish, report; more goes to Snakemake")
    night.add_argument("--chapter", help="only this chapter")
    night.add_argument("--force", action="store_true", help="run what is current, too")
    reproduce = commands.add_parser("reproduce", help="one chapter: its grid, or its one run if it makes no claims")
    reproduce.add_argument("chapter", help="number, name or path")
    for command in (night, reproduce):
        command.add_argument("--preset", default="laptop")
        command.add_argument("--jobs", help="runs at once (default: one per processor)")
        command.add_argument("--build", default="_build")
        command.add_argument("--data")
        command.add_argument("--variant")
        command.add_argument("--seed", type=int)
    accept = commands.add_parser("accept", help="publish what a night held back because a claim drifted")
    accept.add_argument("claims", nargs="+")
    accept.add_argument("--build", default="_build")
    run = commands.add_parser("run", help="make one planned run (the Snakefile calls this)")
    run.add_argument("name", help="PAPER/VARIANT-DATA-PRESET-SEED")
    run.add_argument("--build", default="_build")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    args, rest = _parser().parse_known_args(argv)
    if rest and args.command not in ("night", "reproduce"):
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    try:
        return _run(args, rest)
    except (ValueError, FileNotFoundError, RuntimeError) as error:
        print(f"mmlib.nightly: {error}", file=sys.stderr)
        return 1


def _run(args: argparse.Namespace, rest: list[str]) -> int:
    if args.command == "run":
        from mmlib.nightly.running import run_one

        print(f"ran {args.name}: {run_one(args.name, args.build)}")
        return 0
    from mmlib.nightly.night import accept, night

    if args.command == "accept":
        return accept(args.claims, args.build)
    only = {"data": args.data, "variant": args.variant, "seed": args.seed}
    same = {"preset": args.preset, "build": args.build, "only": only, "jobs": args.jobs, "extra": rest}
    if args.command == "night":
        return night(chapter=args.chapter, force=args.force, **same)
    return _reproduce(args, same)


def _reproduce(args: argparse.Namespace, same: dict) -> int:
    """The grid of a chapter that makes claims at this preset; else the one run that was asked for."""
    from mmlib.book.chapters import find
    from mmlib.book.execute import execute
    from mmlib.nightly.night import night
    from mmlib.nightly.planning import chosen, make_plan

    try:
        chosen(args.chapter)
    except FileNotFoundError:
        claims = False
    else:
        plan = make_plan(chosen(args.chapter), preset=args.preset, only=same["only"], force=True)
        claims = bool(plan.runs or plan.skipped)
    if claims:
        return night(chapter=args.chapter, **same)
    chapter, output = find(args.chapter), Path(args.build) / "runs"
    given = {name: value for name, value in same["only"].items() if value is not None}
    made = execute(chapter, output / f"{chapter.stem}-{args.preset}.ipynb", preset=args.preset,
                   parameters={**given, "out": "results"})  # fmt: skip
    print(f"ran {chapter.name}: {made}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
