"""Chapters as plain programs: run on what lies in a test's own folder, or only some functions that they define."""

import __future__

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from forks import ended, fork, in_two

from mmlib import uses
from mmlib.book.script import main
from mmlib.results.fingerprint import NOT_RUN, notebook_code

ROOT = Path(__file__).resolve().parents[1]


def record_of(folder, number, data, processes=1, torchrun=False, **given):
    """The record of a chapter at smoke on the data in `folder`. `given` are its parameters.

    torchrun: by the command of the pages. Without it the processes are forked, which spares them their imports.
    """
    given = {"data": data, "pretrained": "False", "out": str(folder / "out")} | given
    words = [number, "--preset", "smoke", *(word for item in given.items() for word in ("-p", *item))]
    environment = {"MMLIB_DATA": str(folder), "OMP_NUM_THREADS": "1"}
    if torchrun:
        start = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        command = [sys.executable, *start, "-m", "mmlib.book.script", *words]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
    else:
        uses.READERS.clear()  # of the tests before
        uses.WEIGHTS.clear()

        def work(rank=0):
            os.environ.update(environment)
            os.chdir(ROOT)
            main(words)

        assert (in_two(work) if processes == 2 else [ended(fork(work))]) == [0] * processes
    (path,) = (folder / "out").glob("*/*.json")
    return json.loads(path.read_text())


def defined(stem, *names, **given):
    """What a chapter imports, and what it defines under these names; nothing else of it is run.

    given: what it has exported, from mmlib.models.
    """
    made = dict(given)
    for node in ast.parse(notebook_code(ROOT / "nbs" / f"{stem}.ipynb", without=NOT_RUN)).body:
        given = node.targets[0] if isinstance(node, ast.Assign) else node
        name = getattr(given, "id", None) or getattr(given, "name", None)
        if isinstance(node, ast.Import | ast.ImportFrom) or name in names:
            exec(compile(ast.Module([node], []), stem, "exec", __future__.annotations.compiler_flag), made)
    return made
