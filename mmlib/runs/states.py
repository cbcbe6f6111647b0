"""Whether a published record still stands: current, re-certified, or stale. Only this module decides that.

A record is *current* while the code that made it and the pinned versions are what they were. When one of them has
changed, it can be *re-certified*: the same run at preset ``smoke`` is replayed, and its first losses and all that it
measured are compared with what was stored when the record was made. If they are the same, nothing that matters has
changed. Otherwise the record is *stale*: still shown, marked, with its commit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mmlib.runs.atomic import replace_file
from mmlib.runs.fingerprint import ROOT
from mmlib.runs.variants import split_variant

CURRENT, RECERTIFIED, STALE = "current", "re-certified", "stale"
SAME = 1e-3  # relative; other kernels round differently, and twenty steps of training make that larger
ALIKE = 1e-2  # of what is measured: one pixel that falls to the other side moves a score by more than rounding does
NEVER_ALIKE = ("speed", "time", "weights", "training")  # clocks, hashes; of the training the first losses are compared
FIELDS = {"variant": str, "data": str, "was": dict, "now": dict, "difference": float, "made": str}


@dataclass(frozen=True)
class State:
    """One of the three words, and why."""

    word: str
    reason: str = ""


def pinned_versions(constraints: Path | None = None) -> dict[str, set[str]]:
    """The versions that ``constraints.txt`` allows, by package: more than one where they depend on the Python."""
    allowed: dict[str, set[str]] = {}
    for line in (constraints or ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line):
            allowed.setdefault(match[1].lower(), set()).add(match[2])
    return allowed


def other_versions(made_with: Mapping[str, str], allowed: Mapping[str, set[str]]) -> list[str]:
    """The packages that a record was made with in a version that is not among the pins; build suffixes do not count."""
    bare = {name: version.split("+")[0] for name, version in made_with.items()}
    return sorted(name for name, version in bare.items() if name in allowed and version not in allowed[name])


def first_losses(record: Mapping[str, Any]) -> list[float] | None:
    """The losses of a run's first steps, or ``None`` if nothing was trained."""
    training = record["values"].get("training")
    return training.get("first_losses") if isinstance(training, Mapping) else None


def state(
    record: Mapping[str, Any],
    *,
    code: str,
    allowed: Mapping[str, set[str]],
    certificates: Sequence[Mapping[str, Any]] = (),
) -> State:
    """The state of one record.

    Args:
        record: a checked record.
        code: the fingerprint of its notebook now (:func:`mmlib.runs.code_fingerprint`).
        allowed: :func:`pinned_versions`.
        certificates: those of its paper (:func:`read_certificates`).
    """
    changed = ["code"] if record["code_fingerprint"] != code else []
    changed += [f"{name} {record['versions'][name]}" for name in other_versions(record["versions"], allowed)]
    if not changed:
        return State(CURRENT)
    for one in certificates:
        same_run = (one["variant"], one["data"]) == (split_variant(record["variant"])[0], record["data"])
        same_past = one["was"] == _made_by(record)
        still_now = one["now"]["code"] == code and not other_versions(one["now"]["versions"], allowed)
        if same_run and same_past and still_now:
            return State(RECERTIFIED, f"changed since ({', '.join(changed)}), a replay on {one['made'][:10]} agreed")
    return State(STALE, f"changed since {record['commit'][:10]}: {', '.join(changed)}")


def _made_by(record: Mapping[str, Any]) -> dict[str, Any]:
    """The code and versions a record was made by, as a certificate names them."""
    return {"code": record["code_fingerprint"], "versions": dict(record["versions"])}


def certify(stored: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """A certificate that a replay gave the stored first losses.

    Args:
        stored: the ``smoke`` record that was made together with the published records.
        again: the same run made now.

    Raises:
        ValueError: they are not the same run, one has no losses, the losses differ by more than 0.1 %, or something
            that was measured is missing or differs by more than 1 %.
    """
    for name in ("chapter", "variant", "data", "data_fingerprint", "preset", "seed"):
        if stored[name] != again[name]:
            raise ValueError(f"expected a replay with {name} {stored[name]!r}, got {again[name]!r}")
    then, now = first_losses(stored), first_losses(again)
    if not then or not now or len(then) != len(now) or not all(map(math.isfinite, [*then, *now])):
        raise ValueError("expected finite first losses of the same number of steps; next: make the runs again")
    apart = max(abs(a - b) / max(abs(a), abs(b), 1e-12) for a, b in zip(then, now))
    if apart > SAME:
        raise ValueError(f"the replay's first losses differ by {apart:.2%} from the stored ones; next: run it again")
    if other := next(_other_numbers(stored["values"], again["values"]), None):
        raise ValueError(f"the replay's {other}; next: make the runs again")
    return {
        "variant": stored["variant"],
        "data": stored["data"],
        "was": _made_by(stored),
        "now": _made_by(again),
        "difference": float(apart),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _other_numbers(stored: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    """What a replay measured otherwise, in words. What it measures beyond the stored numbers is not looked at."""
    now = dict(_numbers(again))
    for name, then in _numbers(stored):
        if name not in now:
            yield f"record lacks {name}"
        elif abs(now[name] - then) > ALIKE * max(abs(now[name]), abs(then), ALIKE):
            yield f"{name} is {now[name]:.6g} and not {then:.6g}"


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a record's values, with its dotted path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if name or key not in NEVER_ALIKE:
                yield from _numbers(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _numbers(inner, f"{name}.{place}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield name, float(value)


def certificate_file(paper: str, folder: Path | str | None = None) -> Path:
    """Where the certificates of a paper lie."""
    return Path(folder or ROOT / "results") / "certified" / f"{paper}.jsonl"


def read_certificates(paper: str, folder: Path | str | None = None) -> list[dict[str, Any]]:
    """All certificates of a paper, oldest first.

    Raises:
        ValueError: a line is no certificate.
    """
    path = certificate_file(paper, folder)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [_checked(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]


def _checked(line: str, where: str) -> dict[str, Any]:
    try:
        one = json.loads(line)
        good = all(isinstance(one[name], kind) for name, kind in FIELDS.items()) and math.isfinite(one["difference"])
        for when in ("was", "now"):
            good = good and isinstance(one[when]["code"], str) and isinstance(one[when]["versions"], dict)
    except (ValueError, TypeError, KeyError):
        good = False
    if not good:
        raise ValueError(f"{where}: expected a certificate, got {line[:60]!r}; next: take the line out")
    return one


def add_certificate(paper: str, certificate: Mapping[str, Any], folder: Path | str | None = None) -> None:
    """Append a certificate to its paper's file, atomically."""
    path = certificate_file(paper, folder)
    before = path.read_bytes() if path.is_file() else b""
    line = json.dumps(certificate, allow_nan=False)
    _checked(line, "certificate")
    replace_file(path, before + line.encode() + b"\n")
