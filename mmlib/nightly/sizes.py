"""What a replay at preset `smoke` cannot see: that another preset has chosen other sizes since a record was made.

A chapter keeps what a preset chooses in dictionaries with presets as keys. Before a record is re-certified by a replay,
what they hold for its preset is compared with what they held in the commit that the record names.
"""

from __future__ import annotations

import ast
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmlib.runs import PRESETS
from mmlib.runs.fingerprint import ROOT, notebook_code


def choices(notebook: Path, preset: str) -> list[str]:
    """What every dictionary of a notebook that is keyed by presets holds for this one, as code, in order."""
    found = []
    for node in ast.walk(ast.parse(notebook_code(notebook, without=("colab", "look")), str(notebook))):
        if isinstance(node, ast.Dict):
            keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
            if preset in keys and len(set(keys) & set(PRESETS)) > 1:
                found.append(ast.unparse(node.values[keys.index(preset)]))
    return found


@cache
def _choices_then(commit: str, name: str, preset: str) -> list[str] | None:
    """`choices` in a commit; None if git does not have it. A `+` behind the commit is overlooked: see `changed`."""
    shown = subprocess.run(["git", "show", f"{commit.rstrip('+')}:{name}"], cwd=ROOT, capture_output=True)
    if shown.returncode:
        return None
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder) / "then.ipynb"
        old.write_bytes(shown.stdout)
        return choices(old, preset)


def changed(record: Mapping[str, Any], notebook: Path) -> str | None:
    """Why a replay cannot speak for a record: its preset chooses otherwise now, or nobody knows. None if it can.

    A dictionary that has come since is no change. A record made with uncommitted changes (its commit ends in ``+``) is
    compared with that commit all the same.
    """
    preset, commit, name = record["preset"], record["commit"], notebook.relative_to(ROOT).as_posix()
    then = _choices_then(commit, name, preset)
    if then is None:
        return f"git does not have {name} at {commit[:10]}, so nobody knows what {preset} chose"
    gone = Counter(then) - Counter(choices(notebook, preset))
    return f"what {preset} chooses has changed since {commit[:10]}" if gone else None
