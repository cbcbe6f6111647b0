"""Move what holds still into ``results/``: records, the weights they name, and the night's line of history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from mmlib.nightly.assessing import Outcome
from mmlib.nightly.planning import RESULTS
from mmlib.nightly.running import results_folder
from mmlib.runs.atomic import replace_file
from mmlib.runs.history import add_night
from mmlib.runs.weights import load_weights, weights_file


def publish(outcome: Outcome, build: Path | str, results: Path = RESULTS) -> None:
    """Publish every run that may be, and note it in the outcome; each file is replaced whole.

    Weights go first: a record never names weights that are not there. A run whose weights are damaged fails instead.
    """
    night = results_folder(build)
    for key in outcome.publishable():
        try:
            for name in outcome.made[key]["values"].get("weights", {}):
                _publish_weights(name, night, results)
        except (ValueError, FileNotFoundError) as error:
            outcome.failed[str(key)] = str(error)
            continue
        replace_file(key.path(results), key.path(night).read_bytes())
        outcome.published.append(str(key))


def _publish_weights(name: str, night: Path, results: Path) -> None:
    """Copy checked weights: the tensors first, then the line that names them, then the old tensors go."""
    load_weights(name, night)
    file, sha256 = weights_file(name, night)
    folder = results / "weights" / name.split("/")[0]
    replace_file(folder / file.name, file.read_bytes())
    replace_file(folder / f"{name.split('/')[1]}.sha256", f"{sha256}  {file.name}\n".encode())
    stem = file.name[: -len("-0123456789ab.safetensors")]
    for old in folder.glob(f"{stem}-{'[0-9a-f]' * 12}.safetensors"):
        if old.name != file.name:
            old.unlink()


def remember(outcome: Outcome, results: Path = RESULTS, only: Iterable[str] | None = None) -> None:
    """Add the night to the history of each paper: its clean claims, and apart from them those that drifted.

    Args:
        outcome: from :func:`mmlib.nightly.assessing.assess`.
        results: where ``history/`` lies.
        only: note these claims alone; the others stand in the history already.
    """
    kept = set(outcome.entries) if only is None else set(only)
    for paper in sorted({key.paper for key in outcome.made}):
        mine = {claim: e for claim, e in outcome.entries.items() if claim.split(".")[0] == paper and claim in kept}
        first = outcome.made[min(key for key in outcome.made if key.paper == paper)]
        night = {"made": _now(), "commit": first["commit"], "device": first["device"]}
        night["claims"] = {claim: e for claim, e in mine.items() if claim not in outcome.drifted}
        night["drifted"] = {c: e | {"reason": outcome.drifted[c]} for c, e in mine.items() if c in outcome.drifted}
        if mine:
            add_night(paper, night, results)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
