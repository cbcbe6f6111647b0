"""Read the claims files: compact tables in YAML become one checked row per cell."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmlib.claims.schema import BETTER, GRADES, KINDS, Cell, Direction, Measure, Paper, half_last_digit
from mmlib.runs import check_preset
from mmlib.runs.fingerprint import ROOT
from mmlib.runs.variants import TWICE

CLAIMS = ROOT / "claims"
WORD = re.compile(r"[a-z0-9][a-z0-9_]*")
# What a table may say for all its cells, and a column, a row or a cell may say for itself.
INHERITED = ("kind", "metric", "convention", "data", "split", "grade", "better", "scale", "measure", "withheld")
INHERITED += ("reason", "command")
OWN = {
    "paper": {"key", "title", "chapter", "source", "cite", "tables", "directions"},
    "table": {"id", "title", "columns", "rows", "doubts", *INHERITED},
    "column": {"name", "id", "doubts", *INHERITED},
    "row": {"row", "id", "cells", "doubts", *INHERITED},
    "cell": {"value", "instead", "doubts", *INHERITED},
    "measure": {"variant", "data", "preset", "seeds", "path"},
    "direction": set(Direction.__dataclass_fields__) - {"paper", "control_of"} | {"controls"},
}


def slug(text: str) -> str:
    """A name as part of an id: lower case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def names(folder: Path | None = None) -> list[str]:
    """The keys of the claims files, sorted."""
    return sorted(path.stem for path in (folder or CLAIMS).glob("*.yml"))


def load(key: str, folder: Path | None = None) -> Paper:
    """Read and check ``claims/KEY.yml``.

    Raises:
        FileNotFoundError: there is no such file; the message lists those there are.
        ValueError: something in it is missing, unknown, of a wrong type or not unique; the message says where.
    """
    import yaml

    folder = folder or CLAIMS
    path = folder / f"{key}.yml"
    if not path.is_file():
        raise FileNotFoundError(
            f"expected one of the claims {', '.join(names(folder))}; got {key!r}; next: see claims/"
        )
    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: expected YAML, got {error}; next: correct the file") from None
    return _paper(_mapping(text, "paper", path.name), path)


def _mapping(value: Any, what: str, where: str) -> dict[str, Any]:
    """``value`` if it is a mapping with known keys only."""
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected a mapping ({what}), got {value!r}; next: correct the file")
    if unknown := set(map(str, value)) - OWN[what]:
        raise ValueError(f"{where}: expected {what} fields {sorted(OWN[what])}, got {sorted(unknown)}")
    return value


def _need(mapping: dict[str, Any], key: str, kind: type | tuple[type, ...], where: str, default: Any = ...) -> Any:
    """``mapping[key]`` in the type it must have; ``default`` where it is absent and may be."""
    if key not in mapping and default is not ...:
        return default
    value = mapping.get(key)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool) or value == "":
        kinds = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise ValueError(f"{where}: expected {key!r} as {kinds}, got {value!r}; next: correct the file")
    return value


def _one_of(value: str, allowed: tuple[str, ...] | dict[str, str], what: str, where: str) -> str:
    if value not in allowed:
        raise ValueError(f"{where}: expected {what} out of {', '.join(allowed)}, got {value!r}; next: correct the file")
    return value


def _words(mapping: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """A text or a list of texts, as a tuple."""
    value = _need(mapping, key, (str, list), where, [])
    listed = [value] if isinstance(value, str) else value
    if not all(isinstance(item, str) and item for item in listed):
        raise ValueError(f"{where}: expected {key!r} as a list of texts, got {value!r}; next: correct the file")
    return tuple(listed)


def _paper(text: dict[str, Any], path: Path) -> Paper:
    where = path.name
    key = _need(text, "key", str, where)
    if key != path.stem or not WORD.fullmatch(key):
        raise ValueError(f"{where}: expected key: {path.stem} (the file's name), got {key!r}; next: correct the file")
    tables = [_mapping(t, "table", f"{where}, tables") for t in _need(text, "tables", list, where, [])]
    cells = [cell for table in tables for cell in _cells(key, table, where)]
    directions = [row for d in _need(text, "directions", list, where, []) for row in _directions(key, d, where)]
    paper = Paper(
        key=key,
        title=_need(text, "title", str, where),
        chapter=_need(text, "chapter", str, where),
        source=_need(text, "source", str, where),
        cite=_need(text, "cite", str, where, None),
        cells=tuple(cells),
        directions=tuple(directions),
        table_titles={_need(t, "id", str, where): _need(t, "title", str, where) for t in tables},
    )
    return _unique(paper, where)


def _unique(paper: Paper, where: str) -> Paper:
    """``paper`` if no id stands twice and every reference to a cell leads somewhere."""
    ids = [row.id for row in (*paper.cells, *paper.directions)]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"{where}: expected every id once, got {twice[0]} more often; next: name the rows apart")
    known = {cell.id for cell in paper.cells}
    for row in paper.directions:
        if lost := [name for name in row.cells if name not in known]:
            raise ValueError(f"{where}, {row.id}: expected cells of this file, got {lost[0]!r}; next: correct the id")
    return paper


def _cells(key: str, table: dict[str, Any], where: str) -> list[Cell]:
    """All cells of one table; what the table, the column, the row and the cell say, the later the stronger."""
    where = f"{where}, table {table.get('id')!r}"
    columns = [{"name": c} if isinstance(c, str) else _mapping(c, "column", where) for c in table["columns"]]
    made = []
    for row in _need(table, "rows", list, where):
        row = _mapping(row, "row", where)
        values = _need(row, "cells", list, where)
        if len(values) != len(columns):
            raise ValueError(f"{where}, row {row.get('row')!r}: expected {len(columns)} cells, got {len(values)}")
        for column, value in zip(columns, values):
            cell = _mapping(value if isinstance(value, dict) else {"value": value}, "cell", where)
            made.append(_cell(key, table, column, row, cell, where))
    return made


def _cell(key: str, table: dict, column: dict, row: dict, cell: dict, where: str) -> Cell:
    name, head = _need(row, "row", str, where), _need(column, "name", str, where)
    where = f"{where}, {name} / {head}"
    levels = (table, column, row, cell)
    said = {field: level[field] for level in levels for field in INHERITED if field in level}
    value = cell.get("value")
    if value is not None:
        if not isinstance(value, str):
            raise ValueError(f'{where}: expected the value as printed, in quotes, got {value!r}; next: write "{value}"')
        half_last_digit(value)
    texts = {f: _need(said, f, str, where) for f in ("metric", "convention", "data", "split")}
    optional = {f: _need(said, f, str, where, None) for f in ("withheld", "reason", "command")}
    row_id, column_id = row.get("id") or slug(name), column.get("id") or slug(head)
    return Cell(
        id=f"{key}.{table['id']}.{row_id}.{column_id}",
        paper=key,
        table=table["id"],
        row=name,
        column=head,
        value=value,
        kind=_one_of(_need(said, "kind", str, where), KINDS[:2], "kind", where),
        grade=_one_of(_need(said, "grade", str, where), GRADES, "grade", where),
        better=_one_of(said.get("better", "higher"), BETTER, "better", where),
        scale=float(_need(said, "scale", (int, float), where, 1)),
        doubts=tuple(doubt for level in levels for doubt in _words(level, "doubts", where)),
        instead=_need(cell, "instead", str, where, None),
        measure=_measure(said.get("measure"), {"metric": texts["metric"], "column": column_id}, where),
        **texts,
        **optional,
    )


def _measure(value: Any, fill: dict[str, str], where: str) -> Measure | None:
    """Where our number is found; ``{metric}`` and ``{column}`` in the path stand for the cell's own."""
    if value is None:
        return None
    value = _mapping(value, "measure", where)
    words = {f: _need(value, f, str, where) for f in ("variant", "data", "preset", "path")}
    for name, text in fill.items():
        words["path"] = words["path"].replace(f"{{{name}}}", text)
    check_preset(words["preset"])
    _plain((words["variant"],), words["data"], where)
    return Measure(seeds=_seeds(value, where), **words)


def _seeds(mapping: dict[str, Any], where: str) -> int:
    seeds = _need(mapping, "seeds", int, where)
    if seeds < 2:
        raise ValueError(f"{where}: expected at least 2 seeds, got {seeds}; next: one run is no result")
    return seeds


def _directions(key: str, text: Any, where: str) -> list[Direction]:
    """One statement and its negative controls, each a row of its own: A must beat the control as well."""
    text = _mapping(text, "direction", f"{where}, directions")
    name = _need(text, "id", str, f"{where}, directions")
    where = f"{where}, direction {name!r}"
    optional = {f: _need(text, f, str, where, None) for f in ("less", "printed", "reason", "command")}
    row = Direction(
        id=f"{key}.{name}",
        paper=key,
        statement=_need(text, "statement", str, where),
        a=_need(text, "a", str, where),
        b=_words(text, "b", where),
        metric=_need(text, "metric", str, where),
        data=_need(text, "data", str, where),
        preset=check_preset(_need(text, "preset", str, where)),
        seeds=_seeds(text, where),
        grade=_one_of(_need(text, "grade", str, where), GRADES, "grade", where),
        kind=_one_of(text.get("kind", "direction"), KINDS[2:], "kind", where),
        headline=_need(text, "headline", bool, where, False),
        better=_one_of(text.get("better", "higher"), BETTER, "better", where),
        scale=float(_need(text, "scale", (int, float), where, 1)),
        unit=_need(text, "unit", str, where, ""),
        cells=tuple(f"{key}.{cell}" for cell in _words(text, "cells", where)),
        trained=_need(text, "trained", bool, where, True),
        doubts=_words(text, "doubts", where),
        **optional,
    )
    controls = _words(text, "controls", where)
    _plain((row.a, *row.b, *controls), row.data, where)
    if not row.b or row.a in row.b:
        raise ValueError(f"{where}: expected b as one or more variants other than {row.a!r}, got {list(row.b)}")
    return [row, *(_control(row, control) for control in controls)]


def _plain(variants: tuple[str, ...], data: str, where: str) -> None:
    """Refuse names that could not be told apart in VARIANT-DATA-PRESET-SEED."""
    for variant in variants:
        if not WORD.fullmatch(variant) or variant.endswith(TWICE):
            raise ValueError(f"{where}: expected variants as words without {TWICE!r} at the end, got {variant!r}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", data):
        raise ValueError(f"{where}: expected data as a name such as 'msrs-jpeg92', got {data!r}")


def _control(row: Direction, control: str) -> Direction:
    """The row that says: with ``control`` in the place of the sense, the score of A is lost."""
    return replace(
        row,
        id=f"{row.id}.{control}",
        statement=f"Control: {row.a} scores higher than {control}.",
        b=(control,),
        headline=False,
        control_of=row.id,
        cells=(),
        printed=None,
        grade="D",
    )
