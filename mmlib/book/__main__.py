"""The commands behind the Makefile, ``python -m mmlib.book make`` and so on."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from mmlib.notebooks import check_preset, said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mmlib.book", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="build the book; further arguments go to Snakemake")
    make.add_argument("--build", default="_build", help="folder for everything built")
    make.add_argument("--night", default="", nargs="?", const="night", metavar="PRESET",
                      help="make the night's runs instead of the pages")  # fmt: skip
    make.add_argument("--said", action="store_true", help="take PRESET and SNAKEMAKE from the environment (make)")
    commands.add_parser("lab", help="open copies of the chapters in JupyterLab")
    run = commands.add_parser("run", help="execute one chapter")
    run.add_argument("chapter", help="number, name or path, such as 3, 03_measuring or nbs/03_measuring.ipynb")
    run.add_argument("--preset", default="laptop")
    run.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    run.add_argument("-o", "--output", help="where the executed notebook goes (default: _build/runs/)")
    slides = commands.add_parser("slides", help="execute one chapter and export it as slides")
    slides.add_argument("chapter", help="as for run")
    slides.add_argument("--preset", default="laptop")
    slides.add_argument("-o", "--output", help="the HTML file (default: _build/slides/)")
    vendor = commands.add_parser("vendor", help="fetch and verify the pages' web assets")
    vendor.add_argument("folder", type=Path)
    pages = commands.add_parser("pages", help="stage the executed notebooks and build the HTML")
    pages.add_argument("build", type=Path)
    archive = commands.add_parser("archive", help="pack the built pages, with a manifest, into one file")
    archive.add_argument("--build", type=Path, default=Path("_build"))
    pdf = commands.add_parser("pdf", help="print the built pages as one PDF; needs a Chromium")
    pdf.add_argument("pages", nargs="*", help="such as nbs/03_measuring; default: the whole book")
    pdf.add_argument("--build", type=Path, default=Path("_build"))
    commands.add_parser("colab-cell", help="print the first cell of every chapter")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    args, rest = _parser().parse_known_args(argv)
    if rest and args.command != "make":
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    try:
        return _run(args, rest)
    except (ValueError, FileNotFoundError, RuntimeError) as error:
        print(f"mmlib.book: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mmlib.book: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace, rest: list[str]) -> int:
    # Imported late, so that each command pays only for what it uses.
    if args.command == "make":
        from mmlib.book.graph import make

        preset = args.night
        if args.said:
            told = said()
            rest = [*rest, *shlex.split(os.environ.get("SNAKEMAKE", ""))]
            preset = preset and told.get("preset", preset)
            if narrowed := sorted(set(told) - {"preset"}) if preset else []:
                raise ValueError(f"a cluster's night cannot be narrowed, got {narrowed[0].upper()}; next: leave it out")
        return make(args.build, rest, preset and check_preset(preset))
    if args.command == "lab":
        from mmlib.book.lab import open_lab

        return open_lab()
    if args.command == "run":
        from mmlib.notebooks import execute, find

        chapter = find(args.chapter)
        output = Path(args.output or f"_build/runs/{chapter.stem}-{args.preset}.ipynb")
        execute(chapter, output, preset=args.preset, parameters=dict(args.parameter))
        print(f"ran {chapter.name}: {output}")
    elif args.command == "slides":
        from mmlib.book.slides import export
        from mmlib.notebooks import execute, find

        chapter = find(args.chapter)
        output = Path(args.output or f"_build/slides/{chapter.stem}.html")
        executed = output.with_suffix(".ipynb")
        execute(chapter, executed, preset=args.preset)
        print(f"slides of {chapter.name}: {export(executed, output)}")
    elif args.command == "vendor":
        from mmlib.book.vendor import fetch

        fetch(args.folder)
    elif args.command == "pages":
        from mmlib.book.pages import build

        build(args.build)
    elif args.command == "archive":
        from mmlib.book.archive import archive

        print(f"packed the book: {archive(args.build)}")
    elif args.command == "pdf":
        from mmlib.book.pdf import print_book

        print(f"printed the book: {print_book(args.build, args.pages)}")
    else:
        from mmlib.book.colab import cell

        print(cell())
    return 0


if __name__ == "__main__":
    sys.exit(main())
