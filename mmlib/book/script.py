"""Run a chapter's training as a plain program, so that torchrun can start it in several processes.

    torchrun --standalone --nproc_per_node=2 -m mmlib.book.script 06 --preset paper -p data cityscapes -p out results

The cells run from top to bottom in this process, without those that only show something.
"""

from __future__ import annotations

import argparse
import json
import linecache
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mmlib.files import ROOT
from mmlib.notebooks import ENVIRONMENT, check_parameters, check_preset, find
from mmlib.results.night import SHOWN_ONLY


def run_as_script(
    notebook: Path, parameters: Mapping[str, Any], left_out: Collection[str] = SHOWN_ONLY
) -> dict[str, Any]:
    """Run the cells of a chapter here and now; the names they leave behind.

    Args:
        notebook: a chapter under nbs/.
        parameters: values for its parameters, as text or in the defaults' types; `out` is relative to the root.
        left_out: tags of the cells that are not run.

    Raises:
        ValueError: an unknown parameter, or a value of another type.
    """
    given = check_parameters(notebook, parameters)
    if given.get("out"):
        given["out"] = str((ROOT / given["out"]).resolve())
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(notebook.read_text(encoding="utf-8"))["cells"]):
        tags = set(cell["metadata"].get("tags", []))
        if cell["cell_type"] != "code" or tags & set(left_out):
            continue
        source, name = "".join(cell["source"]), f"{notebook.name}, cell {number}"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # errors show the line
        exec(compile(source, name, "exec"), names)
        if "parameters" in tags:
            names |= given
    return names


def main(argv: list[str] | None = None) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mmlib.book.script", description=__doc__)
    parser.add_argument("chapter", help="number, name or path")
    parser.add_argument("--preset", default="laptop")
    parser.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    args = parser.parse_args(argv)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    run_as_script(find(args.chapter), {"preset": check_preset(args.preset), **dict(args.parameter)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
