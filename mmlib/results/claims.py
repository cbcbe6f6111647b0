"""What papers print and what we ask of our own runs: claims/PAPER.yml, read and checked.

A file has the paper's tables (one row per printed cell), the directions we judge, and how its chapter is run: presets
and variants, as differences from the defaults that the notebook shows.
"""

from __future__ import annotations

import re
from copy import deepcopy
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mmlib.files import ROOT
from mmlib.notebooks import PRESETS, check_preset
from mmlib.results.records import complaint, split_variant

CLAIMS = ROOT / "claims"
GRADES = {
    "S": "legible in the paper",
    "C": "read in the released code",
    "M": "measured or computed from public material",
    "W": "seen on a public page",
    "L": "recollected, not verified",
    "I": "inferred",
    "D": "our choice",
}
HEADLINE_SEEDS, SEEDS = 10, 5
INHERITED = (
    "kind", "metric", "convention", "data", "split", "grade", "better", "scale", "measure", "withheld", "within",
)  # fmt: skip
INHERITED += ("reason", "command", "doubts")
"""What a table may say for all its cells, and a column, a row or a cell may say for itself."""


def half_last_digit(printed: str) -> float:
    """Half a unit of the last digit of a printed number: 0.05 for "52.1", 0.5 for "46". ValueError if it is none."""
    try:
        exponent = Decimal(printed).as_tuple().exponent
        return float(Decimal(5).scaleb(exponent - 1))
    except (ArithmeticError, TypeError):
        raise ValueError(f'expected a printed number such as "52.1", got {printed!r}') from None


def slug(text: str) -> str:
    """A name as part of an id: lower case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _plain(word: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", word):
        raise ValueError("expected lower-case letters, digits and _")
    return word


def _path_part(word: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", word):
        raise ValueError("expected lower-case letters, digits, _ and -")
    return word


def _printed(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise ValueError(f'expected the value as printed, in quotes; next: write "{value}"')
    if value is not None:
        half_last_digit(value)
    return value


def _listed(value: Any) -> Any:
    """A text or a list of texts, as a tuple."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


Word = Annotated[str, AfterValidator(_plain)]
DataName = Annotated[str, AfterValidator(_path_part)]
Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
Words = Annotated[tuple[Word, ...], BeforeValidator(_listed)]
Grade = Literal["S", "C", "M", "W", "L", "I", "D"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Measure(_Strict):
    """Where our number for a printed cell is found: which runs, and the dotted path in their values.

    seeds: 1 only for what has no luck in it, such as a rival with its authors' weights.
    """

    variant: Word
    data: DataName
    preset: Annotated[str, AfterValidator(check_preset)]
    seeds: int = Field(ge=1)
    path: Text


class Cell(_Strict):
    """One printed cell of a paper's table.

    `value` is the text as printed, so that its digits are known; None where the cell is missing. `instead` is what
    evidence says the cell should hold where the printed value is doubted. `scale` takes our unit to the paper's (100
    for fractions that the paper prints as percent). `withheld` says why a value is shown but not judged. `within` is
    the share of the printed value by which ours may be off, for methods that are run as they were released: another
    library or picture format moves their scores, and there are no seeds to show by how much.
    """

    id: str
    paper: str
    table: str
    row: str
    column: str
    kind: Literal["context", "value"]
    value: Annotated[str | None, BeforeValidator(_printed)]
    metric: Text
    convention: Text
    data: Text
    split: Text
    grade: Grade
    better: Literal["higher", "lower"] = "higher"
    scale: float = 1.0
    doubts: Texts = ()
    instead: Text | None = None
    measure: Measure | None = None
    withheld: Text | None = None
    within: float = Field(default=0.0, ge=0, le=0.05)
    reason: Text | None = None
    command: Text | None = None


class Direction(_Strict):
    """The sign of a difference A - B: a statement that can be judged on any data, which it names.

    b: one rival or several; then A must beat, seed by seed, the best of them.
    of: the variant whose runs hold all arms, where one network is tested in several ways. Then a, b and controls name
        no variants, but what stands for the {} in `metric` and `less`.
    less: an arm's score is `metric` minus `less`, so that a gain in one place can be compared with one in another.
    controls: variants whose sense is shuffled or zeroed; their fate is part of the verdict.
    floor: dotted path of what a blind guess scores on the same test data; every arm must clear it.
    positive: id of the direction in which only the sense in question can tell; unless it holds, nothing is judged.
    parts: names of the network's parts that the statement is about; they must be alive at the end of every run.
    tolerance: how far twice the steps may move an arm, in the paper's unit.  decided: when the rule was fixed.
    shown: the heading of the chapter's second page that shows it, as in its address: "learned-twice-the-steps".
    """

    id: str
    paper: str
    statement: Text
    a: Word
    b: Annotated[Words, Field(min_length=1)]
    metric: Text
    data: DataName
    preset: Annotated[str, AfterValidator(check_preset)]
    seeds: int = Field(ge=2)
    grade: Grade
    kind: Literal["direction"] = "direction"
    headline: bool = False
    of: Word | None = None
    better: Literal["higher", "lower"] = "higher"
    scale: float = 1.0
    unit: str = ""
    less: Text | None = None
    controls: Words = ()
    floor: Text | None = None
    positive: Word | None = None
    parts: Texts = ()
    tolerance: float = 2.0
    trained: bool = True
    cells: Texts = ()
    printed: Annotated[str | None, BeforeValidator(_printed)] = None
    doubts: Texts = ()
    decided: Text | None = None
    shown: Text | None = None
    reason: Text | None = None
    command: Text | None = None

    @property
    def arms(self) -> tuple[str, ...]:
        """What is compared: a, b and the controls."""
        return (self.a, *self.b, *self.controls)

    def variant(self, arm: str) -> str:
        """The variant whose runs hold an arm."""
        return self.of or arm

    def path(self, path: str, arm: str) -> str:
        """Where an arm's number is found in its records' values: `metric` or `less` with the arm's name in it."""
        return path.replace("{}", arm) if self.of else path


class Paper(_Strict):
    """Everything one claims file says."""

    key: Word
    title: Text
    chapter: Word
    source: Text
    cite: Text | None = None
    remeasured: Text | None = None
    labels: dict[Word, Text] = {}
    presets: dict[str, dict[str, Any]] = {}
    variants: dict[Word, dict[str, Any]] = {}
    trials: dict[Word, dict[str, Any]] = {}
    cells: tuple[Cell, ...] = ()
    directions: tuple[Direction, ...] = ()
    table_titles: dict[str, str] = {}

    @property
    def notebook(self) -> Path:
        """The chapter that makes this paper's runs."""
        return ROOT / "nbs" / f"{self.chapter}.ipynb"

    def cell(self, name: str) -> Cell:
        """The cell `name` (its id, with or without the paper's key). KeyError if there is none."""
        return self._row(self.cells, name)

    def direction(self, name: str) -> Direction:
        """The direction `name` (its id, with or without the paper's key). KeyError if there is none."""
        return self._row(self.directions, name)

    def label(self, variant: str) -> str:
        """A variant in a reader's words."""
        return self.labels.get(variant, variant.replace("_", " "))

    def _row(self, rows: tuple, name: str) -> Any:
        wanted = name if name.startswith(f"{self.key}.") else f"{self.key}.{name}"
        for row in rows:
            if row.id == wanted:
                return row
        raise KeyError(f"expected a row of claims/{self.key}.yml, got {name!r}; next: look into that file")


# ---------------------------------------------------------------------------------------------------------------------
# Reading


class _UniqueKeys(yaml.SafeLoader):
    """YAML without keys that stand twice (the first would be lost in silence) and aliases (a kilobyte could grow to
    gigabytes)."""

    def compose_node(self, parent: Any, index: Any) -> yaml.Node:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(None, None, "an alias (*name)", self.peek_event().start_mark)
        return super().compose_node(parent, index)


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def paper_keys(folder: Path | None = None) -> list[str]:
    """The keys of the claims files, sorted."""
    return sorted(path.stem for path in (folder or CLAIMS).glob("*.yml"))


def load_claims(key: str, folder: Path | None = None) -> Paper:
    """Read and check claims/KEY.yml.

    Raises:
        FileNotFoundError: there is no such file; the message lists those there are.
        ValueError: something in it is missing, unknown, of a wrong type or not unique; the message says where.
    """
    folder = folder or CLAIMS
    path = folder / f"{key}.yml"
    if not path.is_file():
        known = ", ".join(paper_keys(folder))
        raise FileNotFoundError(f"expected one of the claims {known}; got {key!r}; next: see claims/")
    return _read(path.read_bytes(), key)


@lru_cache(maxsize=64)
def _read(text: bytes, key: str) -> Paper:
    """The paper that a file's text describes; kept, because each of hundreds of records asks for it."""
    where = f"{key}.yml"
    try:
        content = yaml.load(text.decode(), _UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: expected YAML, got {error}; next: correct the file") from None
    if not isinstance(content, dict) or content.get("key") != key:
        got = content.get("key") if isinstance(content, dict) else content
        raise ValueError(f"{where}: expected key: {key} (the file's name), got {got!r}; next: correct the file")
    return _paper(content, where)


def _checked(kind: type[BaseModel], content: dict[str, Any], where: str) -> Any:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"{where}: {complaint(error)}; next: correct the file") from None


def _list(content: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    """A list of mappings; [] where it is absent."""
    listed = content.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ValueError(f"{where}: expected {name!r} as a list of mappings, got {str(listed)[:60]!r}")
    return listed


def _paper(content: dict[str, Any], where: str) -> Paper:
    key = content["key"]
    tables = _list(content, "tables", where)
    cells = [cell for table in tables for cell in _cells(key, table, where)]
    rows = []
    for text in _list(content, "directions", where):
        name = text.get("id")
        made = text | {"id": f"{key}.{name}", "paper": key}
        made["cells"] = [f"{key}.{cell}" for cell in _listed(text.get("cells", []))]
        rows.append(_checked(Direction, made, f"{where}, direction {name!r}"))
    told = {name: value for name, value in content.items() if name not in ("tables", "directions")}
    titles = {str(table.get("id")): str(table.get("title")) for table in tables}
    paper = _checked(Paper, told | {"table_titles": titles}, where)
    paper = paper.model_copy(update={"cells": tuple(cells), "directions": tuple(rows)})
    _check(paper, where)
    return paper


def _check(paper: Paper, where: str) -> None:
    """Refuse ids that stand twice, references that lead nowhere, too few seeds, and variants nobody defined."""
    ids = [row.id for row in (*paper.cells, *paper.directions)]
    for name in ids:
        if ids.count(name) > 1:
            raise ValueError(f"{where}: expected every id once, got {name} more often; next: name the rows apart")
    if unknown := sorted(set(paper.presets) - set(PRESETS)):
        raise ValueError(f"{where}: expected presets out of {', '.join(PRESETS)}, got {unknown[0]!r}")
    cells = {cell.id for cell in paper.cells}
    # A positive control rests on no other, so that it can be judged first.
    positives = {row.id.split(".", 1)[1] for row in paper.directions if row.positive is None}
    if longer := [name for name in (*paper.variants, *paper.trials) if split_variant(name)[1] > 1]:
        raise ValueError(f"{where}: expected variants by their own name, got {longer[0]!r}; next: take away the ending")
    for row in paper.directions:
        least = HEADLINE_SEEDS if row.headline else SEEDS
        if row.seeds < least:
            raise ValueError(f"{where}, {row.id}: expected at least {least} seeds, got {row.seeds}; next: raise them")
        for name in row.cells:
            if name not in cells:
                raise ValueError(f"{where}, {row.id}: expected cells of this file, got {name!r}; next: correct the id")
        if row.positive is not None and row.positive not in positives:
            raise ValueError(f"{where}, {row.id}: expected as positive a direction without one, got {row.positive!r}")
        if len(set(row.arms)) < len(row.arms):
            raise ValueError(f"{where}, {row.id}: expected a, b and controls to differ, got {', '.join(row.arms)}")
        if row.of and not all("{}" in path for path in (row.metric, row.less) if path):
            raise ValueError(f"{where}, {row.id}: expected {{}} for the arm in metric and less, got {row.metric!r}")
        for name in dict.fromkeys(map(row.variant, row.arms)):
            if split_variant(name)[1] > 1:
                raise ValueError(f"{where}, {row.id}: expected variants by their own name, got {name!r}")
            if paper.variants and name not in paper.variants:
                known = ", ".join(paper.variants)
                raise ValueError(f"{where}, {row.id}: expected variants out of {known}, got {name!r}")


def _cells(key: str, table: dict[str, Any], where: str) -> list[Cell]:
    """All cells of one table; what the table, the column, the row and the cell say, the later the stronger."""
    where = f"{where}, table {table.get('id')!r}"
    if not isinstance(table.get("id"), str) or not isinstance(table.get("title"), str):
        raise ValueError(f"{where}: expected id and title of a table as texts; next: correct the file")
    if unknown := set(table) - {"id", "title", "columns", "rows", *INHERITED}:
        raise ValueError(f"{where}: expected fields of a table, got {sorted(unknown)[0]!r}; next: correct the file")
    columns = [column if isinstance(column, dict) else {"name": column} for column in table.get("columns") or []]
    for column in columns:
        if unknown := set(column) - {"name", "id", *INHERITED}:
            raise ValueError(f"{where}: expected fields of a column, got {sorted(unknown)[0]!r}")
    made = []
    for row in _list(table, "rows", where):
        if unknown := set(row) - {"row", "id", "cells", *INHERITED}:
            raise ValueError(f"{where}, {row.get('row')!r}: expected fields of a row, got {sorted(unknown)[0]!r}")
        values = row.get("cells")
        if not isinstance(values, list) or len(values) != len(columns):
            got = len(values) if isinstance(values, list) else values
            raise ValueError(f"{where}, row {row.get('row')!r}: expected {len(columns)} cells, got {got}")
        for column, value in zip(columns, values):
            cell = value if isinstance(value, dict) else {"value": value}
            made.append(_cell(key, table, column, row, cell, where))
    return made


def _cell(key: str, table: dict, column: dict, row: dict, cell: dict, where: str) -> Cell:
    name, head = row.get("row"), column.get("name")
    where = f"{where}, {name} / {head}"
    if not isinstance(name, str) or not isinstance(head, str):
        raise ValueError(f"{where}: expected names of row and column as texts; next: correct the file")
    said: dict[str, Any] = {}
    doubts: list[str] = []
    for level in (table, column, row, cell):
        said |= {field: level[field] for field in INHERITED if field in level and field != "doubts"}
        doubts += _listed(level.get("doubts", []))
    row_id = row.get("id") or slug(name)
    column_id = column.get("id") or slug(head)
    if isinstance(said.get("measure"), dict):
        fill = {"{metric}": str(said.get("metric")), "{column}": column_id}
        path = str(said["measure"].get("path"))
        for mark, text in fill.items():
            path = path.replace(mark, text)
        said["measure"] = said["measure"] | {"path": path}
    own = {name: value for name, value in cell.items() if name not in INHERITED}
    ids = {"id": f"{key}.{table['id']}.{row_id}.{column_id}", "paper": key, "table": table["id"]}
    content = said | own | ids | {"row": name, "column": head, "doubts": doubts, "value": cell.get("value")}
    return _checked(Cell, content, where)


# ---------------------------------------------------------------------------------------------------------------------
# Settings of a run


def asked(paper: str, preset: str, variant: str, folder: Path | None = None) -> dict[str, Any]:
    """What claims/PAPER.yml says about a preset and a variant; {} if there is no such file, or nothing in it."""
    if not ((folder or CLAIMS) / f"{paper}.yml").is_file():
        return {}
    claims = load_claims(paper, folder)
    name, _ = split_variant(variant)
    return deepcopy({"preset": claims.presets.get(preset, {}), "variant": _differences(claims, name)})


def _differences(claims: Paper, variant: str) -> dict[str, Any]:
    return claims.variants.get(variant, claims.trials.get(variant, {}))


def settings(paper: str, preset: str, variant: str, defaults: dict[str, Any], folder: Path | None = None) -> Any:
    """The settings of a run: the notebook's `defaults`, changed by the preset, then by the variant.

    Returns a namespace: `run.steps`, `run.width`, and whatever else the defaults name. Twice the steps for a variant
    NAME_x2. `run.variant` is the variant's own name.

    Raises:
        ValueError: an unknown preset or variant, or a setting that the defaults do not have.
    """
    check_preset(preset)
    claims = load_claims(paper, folder)
    name, times = split_variant(variant)
    known = {**claims.variants, **claims.trials}
    if name not in known:
        raise ValueError(f"expected a variant out of {', '.join(known)}, got {variant!r}; next: choose one of them")
    merged = deepcopy(defaults)
    for source, changes in ((f"preset {preset}", claims.presets.get(preset, {})), (name, known[name])):
        try:
            merged = _changed(merged, changes)
        except ValueError as error:
            raise ValueError(f"claims/{paper}.yml, {source}: {error}") from None
    if "steps" in merged:
        merged["steps"] *= times
    return SimpleNamespace(variant=name, **merged)


def _changed(defaults: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The defaults with some values replaced, also in dicts of them. An empty dict takes any keys."""
    made = dict(defaults)
    for name, value in changes.items():
        if defaults and name not in defaults:
            raise ValueError(f"expected settings out of {', '.join(defaults)}, got {name!r}")
        before = defaults.get(name)
        if isinstance(before, (int, float)) and isinstance(value, str):
            raise ValueError(f"expected {name} as a number, got the text {value!r}; next: write 1.0e-3, not 1e-3")
        both = isinstance(before, dict) and isinstance(value, dict)
        made[name] = _changed(before, value) if both else deepcopy(value)
    return made
