"""One run, one JSON record: what was measured, how it was trained, by which code, on which machine, how fast."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from mmlib import uses
from mmlib.files import ROOT, locked, read_json, replace_file
from mmlib.notebooks import PRESETS, check_preset

SCHEMA = 2
TWICE = "_x2"


def doubled(variant: str) -> str:
    """The name of `variant` trained for twice the steps: it shows whether a comparison had been trained enough."""
    return variant + TWICE


def split_variant(variant: str) -> tuple[str, int]:
    """A variant's own name and what its steps are multiplied by: ("flow", 2) for "flow_x2"."""
    if variant.endswith(TWICE):
        return variant.removesuffix(TWICE), 2
    return variant, 1


class Key(NamedTuple):
    """What names one run: the paper (its folder in results/), variant, data, preset and seed."""

    paper: str
    variant: str
    data: str
    preset: str
    seed: int

    def path(self, folder: Path | str) -> Path:
        """Where the record of this run lies below `folder`. ValueError for names that would lead out of it."""
        Key.parse(str(self))
        return Path(folder) / self.paper / f"{self.variant}-{self.data}-{self.preset}-{self.seed}.json"

    def __str__(self) -> str:
        return f"{self.paper}/{self.variant}-{self.data}-{self.preset}-{self.seed}"

    @classmethod
    def parse(cls, name: str) -> Key:
        """The key of a run named PAPER/VARIANT-DATA-PRESET-SEED. ValueError if it is no such name."""
        match = re.fullmatch(rf"([a-z0-9_]+)/([a-z0-9_]+)-([a-z0-9_-]+)-({'|'.join(PRESETS)})-(\d+)", name)
        if match is None:
            raise ValueError(f'expected a run such as "toy/flow-ministreet-night-0", got {name!r}')
        return cls(match[1], match[2], match[3], match[4], int(match[5]))


# ---------------------------------------------------------------------------------------------------------------------
# What a record holds


def _finite(value: Any, where: str = "values") -> Any:
    """Refuse NaN and infinity anywhere: JSON has no word for them."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected finite numbers in a record, got {value} at {where}; next: write None and say why")
    listed = dict(enumerate(value)) if isinstance(value, (list, tuple)) else value
    for key, inner in listed.items() if isinstance(listed, Mapping) else ():
        _finite(inner, f"{where}.{key}")
    return value


Finite = Annotated[dict[str, Any], AfterValidator(_finite)]
FIRST, PARTS = 20, 16


class Training(BaseModel):
    """How a run was trained, so that two runs can be compared fairly.

    `curve`: the mean loss of 16 equal parts of the run. `tuning`: how settings were chosen; the same text in all arms.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    steps: int = Field(ge=1)
    data_order: str
    augmentation: str
    tuning: str
    first_losses: list[float] = Field(min_length=1, max_length=FIRST)
    curve: list[float] = Field(min_length=PARTS, max_length=PARTS)


class Machine(BaseModel):
    """Where a run was made. Another machine gives other last digits, and trained nets that differ like other seeds."""

    model_config = ConfigDict(extra="forbid")
    device: str
    cpu: str
    instructions: str
    threads: int
    precision: str


class Record(BaseModel):
    """One run.

    `values`: everything measured. `health`: {part: {"start" | "middle" | "end": numbers}}, see `mmlib.health`.
    `code`: file -> hash of its code. `reads`: data set -> module that read it. `starts`: weights that the run started
    from -> sha256. `asked`: what claims/PAPER.yml said about this preset and variant when the run was made.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    schema_: Literal[2] = Field(alias="schema")
    paper: str
    variant: str
    data: str
    data_fingerprint: str
    preset: Literal["smoke", "laptop", "night", "gpu", "paper"]
    seed: int
    values: Finite
    training: Training | None = None
    health: Finite = {}
    notebook: str
    code: dict[str, str]
    reads: dict[str, str] = {}
    starts: dict[str, str] = {}
    asked: dict[str, Any] = {}
    commit: str
    versions: dict[str, str]
    machine: Machine
    wall_s: float
    cpu_s: float
    peak_memory_mib: float
    made: str

    @property
    def key(self) -> Key:
        """What names this run."""
        return Key(self.paper, self.variant, self.data, self.preset, self.seed)


def complaint(error: ValidationError) -> str:
    """A pydantic error in one line: the first field that is wrong, what was expected, what was given."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    got = str(first.get("input"))[:60]
    more = f" (and {len(error.errors()) - 1} more)" if len(error.errors()) > 1 else ""
    return f"{where}: {first['msg']}, got {got!r}{more}"


def check_record(content: Any, source: str = "record") -> Record:
    """The record that `content`, decoded JSON, is. ValueError says which field is missing or wrong."""
    if isinstance(content, Mapping) and content.get("schema") == 1:
        raise ValueError(f"{source}: a record of the first edition; next: make the run again")
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"{source}: {complaint(error)}; next: make the record again") from None


def training_block(losses: Sequence[float], *, data_order: str, augmentation: str, tuning: str) -> dict[str, Any]:
    """How a run was trained, for `write_record(training=...)`.

    Args:
        losses: the loss of every optimiser step, in order; at least 16.
        data_order: what fixes the order of the samples, such as "seeded shuffle of 512 scenes".
        augmentation: what is done to the samples; the same text for the same treatment.
        tuning: how settings were chosen, such as "one rate for all arms".

    Raises:
        ValueError: too few losses, or one that is not finite.
    """
    count = len(losses)
    if count < PARTS:
        raise ValueError(f"expected at least {PARTS} losses, got {count}; next: train for more steps")
    _finite(list(losses), "losses")
    edges = [round(part * count / PARTS) for part in range(PARTS + 1)]
    return {
        "steps": count,
        "data_order": data_order,
        "augmentation": augmentation,
        "tuning": tuning,
        "first_losses": [float(loss) for loss in losses[:FIRST]],
        "curve": [math.fsum(losses[a:b]) / (b - a) for a, b in zip(edges, edges[1:])],
    }


# ---------------------------------------------------------------------------------------------------------------------
# Where and by what a run was made


def _commit() -> str:
    """The commit the working tree stands on, with "+" where tracked files differ from it; "unknown" outside git."""
    try:
        quiet = {"cwd": ROOT, "text": True, "stderr": subprocess.DEVNULL}
        head = subprocess.check_output(["git", "rev-parse", "HEAD"], **quiet).strip()
        changed = subprocess.check_output(["git", "status", "--porcelain", "-uno"], **quiet).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed else "")


def versions() -> dict[str, str]:
    """Versions of what can move a number."""
    names = ("torch", "torchvision", "kornia", "torchmetrics", "opencv-python-headless", "numpy", "pillow")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _cpu_model() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def machine(precision: str | None = None) -> Machine:
    """This machine, and the number format of a run (None: the one that training takes by itself here)."""
    import torch

    if precision is None:
        from mmlib.train import native_precision, world

        precision = native_precision(world().device)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {os.cpu_count()} cores"
    capability = torch.backends.cpu.get_cpu_capability()
    return Machine(
        device=device,
        cpu=_cpu_model(),
        instructions=capability,
        threads=torch.get_num_threads(),
        precision=precision,
    )


def _peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def write_record(
    folder: Path | str,
    *,
    notebook: Path | str,
    paper: str,
    data: str,
    data_fingerprint: str,
    preset: str,
    seed: int,
    values: dict[str, Any],
    wall_s: float,
    variant: str = "default",
    training: dict[str, Any] | None = None,
    health: dict[str, Any] | None = None,
    precision: str | None = None,
) -> Path:
    """Write one run's record atomically and return its path.

    Args:
        folder: usually the notebook's parameter `out`; made if absent.
        notebook: the notebook that made the numbers, relative to the project; its code is fingerprinted.
        paper: short name of the paper or chapter, such as "flow2seg" or "measuring".
        data: the data variant, such as "ministreet" or "msrs-jpeg92".
        data_fingerprint: what identifies the data that was read.
        values: everything measured: nested dicts and lists of finite numbers, strings and None.
        wall_s: seconds the run took.
        training: from :func:`training_block`, if something was trained.  health: `log.health`.
        precision: `log.precision`; None: that of this machine.

    Which data sets were read and which weights were loaded is taken from `mmlib.uses`.

    Raises:
        ValueError: a value is not finite, or the preset is unknown. Nothing is written then.
    """
    from mmlib.results.claims import asked
    from mmlib.results.fingerprint import code_hashes

    check_preset(preset)
    clock = resource.getrusage(resource.RUSAGE_SELF)
    record = check_record(
        {
            "schema": SCHEMA,
            "paper": paper,
            "variant": variant,
            "data": data,
            "data_fingerprint": data_fingerprint,
            "preset": preset,
            "seed": seed,
            "values": values,
            "training": training,
            "health": health or {},
            "notebook": Path(notebook).as_posix(),
            "code": code_hashes(ROOT / notebook, readers=uses.READERS.values()),
            "reads": dict(uses.READERS),
            "starts": dict(uses.WEIGHTS),
            "asked": asked(paper, preset, variant),
            "commit": _commit(),
            "versions": versions(),
            "machine": machine(precision).model_dump(),
            "wall_s": round(float(wall_s), 2),
            "cpu_s": round(clock.ru_utime + clock.ru_stime, 2),
            "peak_memory_mib": _peak_memory_mib(),
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
    path = record.key.path(folder)
    replace_file(path, dump(record))
    return path


def dump(record: Record) -> bytes:
    """A record as it lies in its file."""
    content = record.model_dump(by_alias=True)
    text = json.dumps(content, indent=1, allow_nan=False)
    return NUMBERS.sub(_in_one_line, text).encode() + b"\n"


NUMBERS = re.compile(r"\[\n\s*((?:[-+.\de]+|null)(?:,\n\s*(?:[-+.\de]+|null))*)\n\s*\]")
"""A list of numbers as `json.dumps` spreads it over lines. Texts don't match: in JSON they have no bare line breaks."""


def _in_one_line(found: re.Match[str]) -> str:
    return "[" + ", ".join(found[1].replace(",", " ").split()) + "]"


def checkpoint_folder(stage: str = "") -> str | None:
    """Where a run of the night keeps its checkpoint, so that a killed one goes on; None for everybody else.

    stage: the name of a stage of training, where a run has several.
    """
    folder = os.environ.get("MMLIB_CHECKPOINT")
    return str(Path(folder) / stage) if folder else None


@contextmanager
def shared_stage(notebook: Path | str, **about: Any) -> Iterator[str | None]:
    """The checkpoint folder of a stage of training that several runs of a night share; None for everybody else.

    The first of them trains the stage, and the others wait and find it finished, bit by bit as if each had trained it.

    Args:
        notebook: the notebook that trains it, relative to the project; other code, other folder.
        about: all that the stage depends on, such as the seed and the settings.
    """
    own = checkpoint_folder()
    if own is None:
        yield None
        return
    from mmlib.results.fingerprint import code_hashes

    told = json.dumps([code_hashes(ROOT / notebook), about], sort_keys=True)
    folder = Path(own).parent / f"stage-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    with locked(folder.with_suffix(".lock"), waiting="another run trains the stage that they share"):
        yield str(folder)


# ---------------------------------------------------------------------------------------------------------------------
# Reading


def load_record(path: Path | str) -> Record:
    """Read and check one record. FileNotFoundError if there is none, ValueError if it is not one."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"expected a record at {path}, there is none; next: make reproduce CHAPTER=...")
    return check_record(read_json(path), str(path))


def find_record(**key: Any) -> Record:
    """The published record, in results/, for paper, variant, data, preset, seed."""
    return load_record(Key(**key).path(ROOT / "results"))


def read_records(paper: str, folder: Path | str | None = None) -> dict[Key, Record]:
    """All records of one paper in `folder` (default results/), by key.

    Raises:
        ValueError: a file is no valid record, or lies under another name than its content says.
    """
    folder = Path(folder or ROOT / "results")
    found = {}
    for path in sorted((folder / paper).glob("*.json")):
        record = load_record(path)
        if record.key.path(folder) != path:
            raise ValueError(f"{path}: expected the record of {path.stem}, got that of {record.key}; make it again")
        found[record.key] = record
    return found
