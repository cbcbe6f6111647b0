"""What the page "What you can check in five minutes" shows: its commands' times, and a row of another paper's table."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from mmlib.files import ROOT
from mmlib.results import load_claims, read_records
from mmlib.results.evidence import keys_of
from mmlib.show import table

PAGE = ROOT / "book" / "five_minutes.md"
MEASURED = ROOT / "results" / "speed" / "five_minutes.json"
NEEDS = {"Another paper's printed number": "RoadScene, LRRNet's weights"}
"""What a command needs beside the packages, by its heading."""


def commands(page: Path = PAGE) -> dict[str, list[str]]:
    """The page's commands by their headings, as words; the first word is the environment's Python."""
    found = {}
    for section in page.read_text(encoding="utf-8").split("\n## ")[1:]:
        heading = section.splitlines()[0]
        if block := re.search(r"^```bash\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
            found[heading] = shlex.split(block[1])
    return found


def times_html(measured: Path = MEASURED) -> str:
    """The table of what can be checked, what it needs and how long it took, as HTML."""
    content = json.loads(measured.read_text(encoding="utf-8"))
    rows = []
    for heading in commands():
        took = content["measured"].get(heading, {})
        rows.append([heading, NEEDS.get(heading, "nothing"), took.get("cpu_s"), took.get("wall_s")])
    made = table(
        rows,
        columns=["what", "needs", "processor time, s", "by the clock, s"],
        formats=".0f",
        caption="Five commands",
        footer=f"One core of an {content['cpu']}, {content['made'][:10]}. Meanwhile {content['load']:.0f} programs "
        f"shared its {content['cores']} cores, which the clock counts and the processor time doesn't.",
        cards=True,
    )
    return made.html


def rival_html(results: Path | None = None) -> str:
    """What TSJNet's table prints for LRRNet on RoadScene, and what came out here, as HTML."""
    paper = load_claims("rivals")
    cells = [cell for cell in paper.cells if cell.table == "roadscene" and cell.row == "LRRNet"]
    wanted = keys_of(cells[0])[0]
    record = read_records("rivals", results).get(wanted)
    found = record.values["test"] if record else {}
    rows = []
    for cell in cells:
        ours = f"{found[cell.metric]:.2f}" if cell.metric in found else None
        rows.append([cell.column, cell.value, ours])
    source = f"From the record {wanted}."
    if record is None:
        source = f"The record {wanted} has to be made again; until then there is none."
    made = table(
        rows,
        columns=["metric", "TSJNet's table", "measured here"],
        caption="LRRNet on RoadScene's 221 pairs",
        footer=f"{source} The paper doesn't say which VIF it uses, so that cell isn't judged.",
    )
    return made.html
