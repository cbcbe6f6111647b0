"""Two toy papers with records, for the tests of the ledger: one is judged, one is being measured anew."""

import json
import re
from copy import deepcopy
from html import unescape
from pathlib import Path

import results_toy
import yaml

from mmlib.files import ROOT, replace_file
from mmlib.results import Record
from mmlib.results.fingerprint import code_hashes
from mmlib.results.records import dump

SEEDS = 10
NOTEBOOK = "nbs/01_one_scene.ipynb"
CURRENT = {"notebook": NOTEBOOK, "code": code_hashes(ROOT / NOTEBOOK)}


def direction(**change) -> dict:
    """The toy's headline claim, with changes."""
    made = results_toy.CLAIMS["directions"][0] | {"headline": True, "seeds": SEEDS, "unit": "points"}
    return made | {"controls": ["shuffled"], "floor": "test.floor"} | change


def papers(*directions: dict) -> dict[str, dict]:
    """The claims files, by key."""
    toy = deepcopy(results_toy.CLAIMS) | {"directions": list(directions or [direction()])}
    toy["tables"][0]["doubts"] = ["read in a scan"]
    smudged = {"value": "70.1", "instead": "70.7", "doubts": ["the last digit is smudged"]}
    toy["tables"][0]["rows"][0]["cells"] = [smudged]
    dead = {"key": "dead", "title": "Dead", "chapter": "02_dead", "source": "made for tests"}
    dead |= {"remeasured": "its networks were dead"}
    dead |= {"directions": [direction(cells=[]), direction(id="again", cells=[])]}
    return {"toy": toy, "dead": dead}


def grid(**levels: float) -> list[Record]:
    """All runs of some variants, each scoring about so much, with those of twice the steps; all are current."""
    scores = {name: [level + 0.001 * (seed % 3) for seed in range(SEEDS)] for name, level in levels.items()}
    return [record.model_copy(update=CURRENT) for record in results_toy.grid(**scores).values()]


def write(folder: Path, claims: dict[str, dict], records: list[Record]) -> tuple[Path, Path]:
    """Write claims and records; the two folders, as `ledger_html` takes them."""
    for key, text in claims.items():
        plain = json.loads(json.dumps(text))  # every list by itself: claims have no aliases
        replace_file(folder / "claims" / f"{key}.yml", yaml.safe_dump(plain).encode())
    for record in records:
        replace_file(record.key.path(folder / "results"), dump(record))
    return folder / "claims", folder / "results"


def words(html: str) -> str:
    """The text of a piece of HTML, without its script and style."""
    plain = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", html, flags=re.S)
    return unescape(re.sub(r"\s+", " ", plain))
