"""The book's notebooks: which there are, how a person may name one, and one executed from top to bottom.

A paper has two: `nbs/05_training.ipynb` builds and trains, `nbs/05b_training_holds.ipynb` asks whether it holds.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mmlib.files import ROOT, locked

if TYPE_CHECKING:
    from nbformat import NotebookNode

NBS = ROOT / "nbs"

PRESETS = ("smoke", "laptop", "night", "gpu", "paper")
"""The sizes a chapter can be run at. A preset changes sizes, never code paths."""

LIMIT_S = {"smoke": 900, "laptop": 3600, "night": 10800, "gpu": 7200, "paper": None}
"""Seconds after which one cell is given up, by preset: a run that hangs must not hold the whole night."""

# One thread each, and idle threads that sleep: chapters run side by side, and OpenMP's busy waiting would triple
# their time.
ENVIRONMENT = {"MMLIB_STATIC": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONHASHSEED": "0", "MPLBACKEND": "agg"}


SAID = {"CHAPTER": "chapter", "PRESET": "preset", "DATA": "data", "VARIANT": "variant", "SEED": "seed", "JOBS": "jobs",
        "FORCE": "force"}  # fmt: skip
"""Make's variables, which reach Python through the environment, and what our commands call them."""


def said() -> dict[str, str]:
    """What a person told make, by our own names; what was left out or is empty is left out."""
    return {name: os.environ[variable] for variable, name in SAID.items() if os.environ.get(variable)}


def check_preset(name: str) -> str:
    """Return `name` if it is one of PRESETS. ValueError, with those that are, if it is not."""
    if name not in PRESETS:
        raise ValueError(f'expected a preset out of {", ".join(PRESETS)}, got {name!r}; next: set preset = "laptop"')
    return name


def chapters() -> list[Path]:
    """The notebooks in reading order; a *does it hold?* notebook follows the one it belongs to."""
    return sorted(path for path in NBS.glob("*.ipynb") if re.match(r"\d\db?_", path.name))


def asks_whether_it_holds(notebook: Path) -> bool:
    """Whether this is the second notebook of a pair: it reads records, and trains and exports nothing."""
    return re.match(r"\d\db_", notebook.name) is not None


def find(name: str) -> Path:
    """The notebook a person means by a number ("5", "05b"), a name ("05_training", "training") or a path.

    Raises:
        FileNotFoundError: no notebook, or more than one, answers to that name.
    """
    wanted = Path(name).stem if name else ""
    number = re.fullmatch(r"(\d+)(b?)", wanted)
    prefix = f"{int(number[1]):02d}{number[2]}" if number else None
    hits = []
    for path in chapters():
        place, title = path.stem.split("_", 1)
        if wanted in (path.stem, title) or place == prefix:
            hits.append(path)
    if len(hits) != 1:
        stems = [path.stem for path in chapters()]
        near = get_close_matches(wanted, stems, n=3, cutoff=0.4) or stems[:1]
        raise FileNotFoundError(
            f"expected one of the chapters {', '.join(stems)}; got {name!r}; next: try {' or '.join(near)}"
        )
    return hits[0]


def parameter_defaults(notebook: Path) -> dict[str, Any]:
    """The notebook's parameters and their defaults, as written there; {} if it has none."""
    import papermill

    return {name: yaml.safe_load(found["default"]) for name, found in papermill.inspect_notebook(str(notebook)).items()}


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters in the types of the notebook's own defaults.

    Papermill only warns of an unknown name, and passes text where a number is meant; both become errors here.

    Raises:
        ValueError: a name the notebook does not have, or a value of another type.
    """
    known = parameter_defaults(notebook)
    checked = {}
    for name, value in parameters.items():
        if name not in known:
            raise ValueError(f"{notebook.name} has no parameter {name!r}; expected one of {', '.join(sorted(known))}")
        default = known[name]
        try:
            given = yaml.safe_load(value) if isinstance(value, str) and not isinstance(default, str) else value
        except yaml.YAMLError:
            given = value
        if default is not None and type(given) is not type(default):
            raise ValueError(f"{notebook.name}: expected {name} as {type(default).__name__}, got {value!r}")
        checked[name] = given
    return checked


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Take out what differs from run to run and what a reader should not see: timings, the injected cell."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"] = ["injected-parameters", "remove-cell"]
            cell["id"] = f"injected-{number}"
    return notebook


def own_caches(folder: Path) -> None:
    """Where the home folder cannot be written, let Snakemake, Jupyter and Matplotlib keep their files in `folder`.

    What a parent process has said already stays.
    """
    home = Path.home()
    usual = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    kernels = Path(os.environ.get("JUPYTER_RUNTIME_DIR") or home)
    try:
        usual.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=usual), tempfile.TemporaryFile(dir=kernels):
            return
    except OSError:
        pass
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("TORCH_HOME", str(usual / "torch"))  # weights that are there stay where they are
    os.environ["XDG_CACHE_HOME"] = str(folder)
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        os.environ[name] = str(folder / name.lower())
        Path(os.environ[name]).mkdir(exist_ok=True)


def execute(
    notebook: Path,
    output: Path,
    *,
    preset: str = "laptop",
    parameters: Mapping[str, Any] | None = None,
    limit_s: int | None = None,
) -> Path:
    """Execute ``notebook`` into ``output`` from top to bottom in a fresh kernel.

    Args:
        notebook: a chapter under nbs/.
        output: the executed notebook; written only if every cell ran.
        preset: one of :data:`PRESETS`.
        parameters: further papermill parameters: data, seed, variant, pretrained, out.
        limit_s: seconds that one cell may take; by default :data:`LIMIT_S` of the preset.

    Raises:
        ValueError: unknown preset or parameter.
        RuntimeError: a cell failed or took too long; the message names the file with the outputs up to there.
    """
    parameters = {"preset": check_preset(preset), **(parameters or {})}
    if asks_whether_it_holds(notebook) and "preset" not in parameter_defaults(notebook):
        del parameters["preset"]  # it shows the same records at every preset
    parameters = check_parameters(notebook, parameters)
    if parameters.get("out"):
        parameters["out"] = str((ROOT / parameters["out"]).resolve())
    # A run that outlived its killed parent must end before a new one writes the same file.
    with locked(output.with_suffix(".lock")):
        _run(notebook, output, parameters, limit_s or LIMIT_S[preset])
    return output


def _run(notebook: Path, output: Path, parameters: dict[str, Any], limit_s: int | None) -> None:
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError

    part, failed = output.with_suffix(".part"), output.with_suffix(".failed.ipynb")
    own_caches(ROOT / "_build" / "cache")
    os.environ.update(ENVIRONMENT)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["PYTHONPATH"] = str(ROOT)
    failed.unlink(missing_ok=True)
    try:
        papermill.execute_notebook(
            str(notebook),
            str(part),
            parameters=parameters,
            kernel_name="python3",
            cwd=str(notebook.parent),
            progress_bar=False,
            start_timeout=600,  # beside other work, and at low priority, a kernel takes its time
            execution_timeout=limit_s,
        )
    except CellTimeoutError:
        part.replace(failed)
        raise RuntimeError(
            f"{notebook.name}: a cell took more than {limit_s} s and was given up; the outputs so far: {failed}"
        ) from None
    except PapermillExecutionError as error:
        part.replace(failed)
        raise RuntimeError(
            f"{notebook.name} failed: {error.ename}: {error.evalue}; the outputs so far: {failed}"
        ) from None
    nbformat.write(tidy(nbformat.read(part, as_version=4)), part)
    part.replace(output)
