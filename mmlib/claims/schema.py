"""The words of a claims file: what a paper printed, and what we ask of our own runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn

KINDS = ("context", "value", "direction")
GRADES = {
    "S": "legible in the paper",
    "C": "read in the released code",
    "M": "measured or computed from public material",
    "W": "seen on a public page",
    "L": "recollected, not verified",
    "I": "inferred",
    "D": "our choice",
}
BETTER = ("higher", "lower")


@dataclass(frozen=True)
class Measure:
    """Where our number for a printed cell is found: which runs, and the dotted path in their values."""

    variant: str
    data: str
    preset: str
    seeds: int
    path: str


@dataclass(frozen=True)
class Cell:
    """One printed cell of a paper's table.

    ``value`` is the text as printed, so that its digits are known; ``None`` where the cell is missing. ``instead`` is
    what evidence says the cell should hold where the printed value is doubted. ``scale`` takes our unit to the paper's
    (100 for fractions that the paper prints as percent). ``withheld`` says why a value is shown but not judged.
    """

    id: str
    paper: str
    table: str
    row: str
    column: str
    kind: str
    value: str | None
    metric: str
    convention: str
    data: str
    split: str
    grade: str
    better: str = "higher"
    scale: float = 1.0
    doubts: tuple[str, ...] = ()
    instead: str | None = None
    measure: Measure | None = None
    withheld: str | None = None
    reason: str | None = None
    command: str | None = None


@dataclass(frozen=True)
class Direction:
    """The sign of a difference A - B: a statement that can be judged on any data, which it names.

    ``b`` may list several variants: then A must beat, seed by seed, the best of them. With ``less`` an arm's score is
    ``metric`` minus ``less``, so that a gain in one place can be compared with the gain in another. ``control_of``
    names the statement that this row is a negative control of.
    """

    id: str
    paper: str
    statement: str
    a: str
    b: tuple[str, ...]
    metric: str
    data: str
    preset: str
    seeds: int
    grade: str
    kind: str = "direction"
    headline: bool = False
    better: str = "higher"
    scale: float = 1.0
    unit: str = ""
    less: str | None = None
    cells: tuple[str, ...] = ()
    printed: str | None = None
    trained: bool = True
    control_of: str | None = None
    doubts: tuple[str, ...] = ()
    reason: str | None = None
    command: str | None = None


@dataclass(frozen=True)
class Paper:
    """Everything one claims file says."""

    key: str
    title: str
    chapter: str
    source: str
    cite: str | None = None
    cells: tuple[Cell, ...] = ()
    directions: tuple[Direction, ...] = ()
    table_titles: dict[str, str] = field(default_factory=dict)

    def cell(self, name: str) -> Cell:
        """The cell ``name`` (its id, with or without the paper's key).

        Raises:
            KeyError: there is none.
        """
        wanted = name if name.startswith(f"{self.key}.") else f"{self.key}.{name}"
        return next((cell for cell in self.cells if cell.id == wanted), None) or _unknown(wanted)

    def direction(self, name: str) -> Direction:
        """The direction ``name`` (its id, with or without the paper's key).

        Raises:
            KeyError: there is none.
        """
        wanted = name if name.startswith(f"{self.key}.") else f"{self.key}.{name}"
        return next((row for row in self.directions if row.id == wanted), None) or _unknown(wanted)


def _unknown(name: str) -> NoReturn:
    raise KeyError(f"expected a row of the claims files, got {name!r}; next: look into claims/")


def half_last_digit(printed: str) -> float:
    """Half a unit of the last digit of a printed number: 0.05 for "52.1", 0.5 for "46".

    Raises:
        ValueError: it is not a plain decimal number.
    """
    try:
        number = Decimal(printed)
        return float(Decimal(5).scaleb(number.as_tuple().exponent - 1))
    except (ArithmeticError, TypeError):
        raise ValueError(f'expected a printed number such as "52.1", got {printed!r}') from None
