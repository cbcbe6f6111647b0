"""How fast training is, drawn into the appendix from what `benchmarks/training_loop.py --write` measured."""

from __future__ import annotations

import json

from mmlib.files import ROOT
from mmlib.show import table

MEASURED = ROOT / "results" / "speed" / "training.json"


def speed_html() -> str:
    """The table of the speed of training, as HTML. FileNotFoundError: it was never measured."""
    content = json.loads(MEASURED.read_text(encoding="utf-8"))
    measured, machine = content["measured"], content["machine"]
    loop, compiled = measured["U-Net, a training step"], measured["torch.compile, stack of width 64"]
    assert loop["overhead"] < 0.05, "the loop costs more than a few percent: rewrite the paragraph under the table"
    assert compiled["times_as_fast"] < 1, "compiling pays now: rewrite the paragraph under the table, and use it"
    rows = []
    for what, found in measured.items():
        slow, fast = found["milliseconds"].items()
        ratio = slow[1] / fast[1]
        if "overhead" in found:
            ratio = 1 - found["overhead"]  # the median of the rounds' ratios
        elif "times_as_fast_with_compile_time" in found:
            ratio = found["times_as_fast_with_compile_time"]
        elif "times_as_fast" in found:
            ratio = found["times_as_fast"]
        rows.append([what, slow[0], slow[1], fast[0], fast[1], f"{ratio:.2f} ×"])
    amx = " and AMX" if content["amx"] else ""
    made = table(
        rows,
        columns=["what", "first", "ms", "second", "ms ", "second is faster by"],
        formats=".0f",
        caption="Medians of rounds in which both take turns; process time",
        footer=f"One thread of an {machine['cpu']} with {machine['instructions']}{amx}, PyTorch "
        f"{content['torch'].split('+')[0]}, {content['made'][:10]}. The last column is the median of the rounds' "
        "ratios, not the ratio of the medians. Compiling is counted over 1000 steps.",
        cards=True,
    )
    return made.html
