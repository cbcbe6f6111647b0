"""A record is stale when something it rests on has changed, for exactly that reason, and for no other."""

import ast
import json
from contextlib import suppress

import pytest
import torch
import yaml
from results_toy import CLAIMS, MACHINE, move_into, notebook, write

from mmlib import data, uses
from mmlib.results import ROOT, load_record, save_weights, state, write_record
from mmlib.results.fingerprint import _hash, code_hashes

FILES = {
    "mmlib/__init__.py": "",
    "mmlib/train.py": 'from mmlib.losses import ce\n\n\ndef train():\n    """Words."""\n    return 1  # a comment\n',
    "mmlib/losses.py": "ce = 1\n",
    "mmlib/unused.py": "x = 1\n",
    "mmlib/metrics/__init__.py": "",
    "mmlib/metrics/miou.py": "from . import counts\n",
    "mmlib/metrics/counts.py": "x = 1\n",
    "mmlib/metrics/ssim.py": "x = 1\n",
    "mmlib/data/__init__.py": "",
    "mmlib/data/streets.py": "def streets():\n    from .files import read\n",
    "mmlib/data/files.py": "read = 1\n",
    "mmlib/data/fields.py": "x = 1\n",
    "mmlib/show/__init__.py": "from mmlib.colours import red\n",
    "mmlib/colours.py": "red = 1\n",
    "mmlib/results/__init__.py": "from mmlib.night import x\n",
    "mmlib/night.py": "x = 1\n",
}
CELLS = ["from mmlib.train import train\nfrom mmlib.metrics import miou\nfrom mmlib.show import table\nx = 1"]
LOOK = ("from mmlib.unused import x", "look")
RUNS = ("streets", "fields", "started", "other")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project with four records: of two data sets, of a run with starting weights, and of another chapter."""
    move_into(tmp_path, monkeypatch)
    write(tmp_path, FILES)
    notebook(tmp_path / "nbs/01_toy.ipynb", *CELLS, LOOK)
    notebook(tmp_path / "nbs/02_other.ipynb", "import mmlib.metrics.ssim\nimport mmlib.results")
    sha256 = save_weights("toy/start", {"a": torch.ones(2)}, tmp_path / "results")
    readers = {"streets": "mmlib.data.streets", "fields": "mmlib.data.fields"}
    for run in RUNS:
        data = run if run in readers else "streets"
        monkeypatch.setattr(uses, "READERS", {data: readers[data]} if run != "other" else {})
        monkeypatch.setattr(uses, "WEIGHTS", {"toy/start": sha256} if run == "started" else {})
        other = run == "other"
        write_record(
            tmp_path / "out" / run,
            notebook="nbs/02_other.ipynb" if other else "nbs/01_toy.ipynb",
            paper="other" if other else "toy",
            variant="plain" if run == "started" else "flow",
            data=data,
            data_fingerprint="f",
            preset="night",
            seed=0,
            values={},
            wall_s=1.0,
            precision="fp32",
        )
    return tmp_path


def stale(project) -> dict[str, str]:
    """The records that are not current, each with the reason."""
    found = {}
    for run in RUNS:
        (path,) = (project / "out" / run).rglob("*.json")
        now = state(load_record(path), project / "results")
        if now.word != "current":
            found[run] = now.reason
    return found


ALL_OF_TOY = {"streets", "fields", "started"}
CHANGES = {
    "a reader": ("mmlib/data/streets.py", "from mmlib.data.files import read as streets\n", {"streets", "started"}),
    "what a reader reads with": ("mmlib/data/files.py", "read = 2\n", {"streets", "started"}),
    "another reader": ("mmlib/data/fields.py", "x = 2\n", {"fields"}),
    "a metric": ("mmlib/metrics/counts.py", "x = 2\n", ALL_OF_TOY),
    "another metric": ("mmlib/metrics/ssim.py", "x = 2\n", {"other"}),
    "both metrics": ("mmlib/metrics/__init__.py", "x = 2\n", {*RUNS}),
    "the loop": ("mmlib/train.py", "from mmlib.losses import ce\n\n\ndef train():\n    return 2\n", ALL_OF_TOY),
    "a loss": ("mmlib/losses.py", "ce = 2\n", ALL_OF_TOY),
    "the loop's words": (
        "mmlib/train.py",
        '"""Better."""\n\nfrom mmlib.losses import ce\ndef train():\n    """Better."""\n\n    # Too.\n    return (1)',
        set(),
    ),
    "what nobody imports": ("mmlib/unused.py", "x = 2\n", set()),
    "a figure": ("mmlib/show/__init__.py", "from mmlib.colours import red, blue\n", set()),
    "what only figures use": ("mmlib/colours.py", "red = 2\n", set()),
    "what only the judge uses": ("mmlib/night.py", "x = 2\n", set()),
    "the version number": ("mmlib/__init__.py", "__version__ = '2'\n", set()),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_in_the_code(project, kind):
    file, content, expected = CHANGES[kind]
    assert stale(project) == {}
    write(project, {file: content})
    reasons = stale(project)
    assert reasons.keys() == expected
    assert all(reason.endswith(f": {file}") for reason in reasons.values())
    write(project, {file: FILES[file]})
    assert stale(project) == {}, "taken back, it stands again"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([CELLS[0] + "\nx = 2", LOOK], ALL_OF_TOY),
        ([CELLS[0], ("y = 2", "export"), LOOK], ALL_OF_TOY),
        (["# a comment\n%matplotlib inline\n" + CELLS[0].replace("x = 1", "x  =  1"), LOOK], set()),
        ([CELLS[0], ("from mmlib.losses import ce", "look"), ("y = 2", "solution"), ("y = 3", "exercise")], set()),
    ],
)
def test_a_change_in_the_chapter(project, cells, expected):
    notebook(project / "nbs/01_toy.ipynb", *cells)
    assert stale(project).keys() == expected


def test_a_change_in_the_starting_weights(project):
    save_weights("toy/start", {"a": torch.zeros(2)}, project / "results")
    assert stale(project) == {"started": "changed since unknown: the weights toy/start"}
    save_weights("toy/start", {"a": torch.ones(2)}, project / "results")
    assert stale(project) == {}
    (project / "results/weights/toy/start.sha256").unlink()
    assert stale(project).keys() == {"started"}


def test_others_weights_count_where_they_are_at_hand(project, monkeypatch):
    (path,) = (project / "out/started").rglob("*.json")
    begun = json.loads(path.read_text()) | {"starts": {"outside/mobilenet_v2": "a" * 64}}
    write(project, {str(path): json.dumps(begun)})
    for letter, expected in (("a", set()), ("b", {"started"})):
        line = f"{letter * 64}  mobilenet_v2_imagenet_features.pth\n"
        write(project, {f"data_{letter}/weights/MANIFEST.sha256": line})
        monkeypatch.setenv("MMLIB_DATA", str(project / f"data_{letter}"))
        assert stale(project).keys() == expected
    monkeypatch.setenv("MMLIB_DATA", str(project / "out"))
    assert stale(project) == {}, "where they are not, nobody can say"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"variants": CLAIMS["variants"] | {"plain": {"rate": 0.2}}}, {"started"}),
        ({"presets": {"night": {"steps": 30}}}, ALL_OF_TOY),
        ({"presets": {"gpu": {"steps": 30}, "night": {}}}, set()),
        ({"title": "Better", "labels": {"flow": "with flow"}, "trials": {}}, set()),
    ],
)
def test_a_change_in_what_the_claims_ask(project, change, expected):
    write(project, {"claims/toy.yml": yaml.safe_dump(CLAIMS | change)})
    reasons = stale(project)
    assert reasons.keys() == expected
    assert all(reason.endswith(": what claims/toy.yml asks of it") for reason in reasons.values())


def test_another_machine_or_other_versions_make_nothing_stale(project):
    for run in RUNS:
        (path,) = (project / "out" / run).rglob("*.json")
        elsewhere = {"machine": MACHINE, "versions": {"torch": "1.0"}, "commit": "0" * 40, "wall_s": 99.0}
        write(project, {str(path): json.dumps(json.loads(path.read_text()) | elsewhere)})
    assert stale(project) == {}


def test_many_changes_are_counted_and_a_lost_chapter_is_named(project):
    write(
        project, {name: "y = 3\n" for name in FILES if name.startswith("mmlib/metrics/")} | {"mmlib/train.py": "y = 3"}
    )
    assert stale(project)["fields"] == (
        "changed since unknown: mmlib/losses.py, mmlib/metrics/__init__.py, mmlib/metrics/counts.py and 2 more"
    )
    (project / "nbs/02_other.ipynb").unlink()
    assert stale(project)["other"] == "nbs/02_other.ipynb is gone"


def test_what_a_record_of_chapter_5_rests_on():
    source = ROOT / "nbs/05_training.ipynb"
    files = set(code_hashes(source))
    assert {"nbs/05_training.ipynb", "mmlib/train.py", "mmlib/health.py", "mmlib/losses/__init__.py"} <= files
    assert {"mmlib/metrics/segmentation.py", "mmlib/scenes/light.py", "mmlib/scenes/sensor.py"} <= files
    assert {file for file in files if file.startswith(("mmlib/show", "mmlib/results", "mmlib/book"))} == set()
    assert not {file for file in files if file.startswith(("mmlib/models", "mmlib/metrics/fusion", "mmlib/flow"))}
    real = set(code_hashes(source, readers=["mmlib.data.davis"]))
    assert "mmlib/data/davis.py" in real - files


def test_every_reader_of_real_data_is_noted(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    monkeypatch.setattr(uses, "READERS", {})
    real = [name for name in data.NAMES if name != "ministreet"]
    for name in real:
        with suppress(data.DataMissing):  # that it was asked for is what counts
            data.load(name)
    assert list(uses.READERS) == real
    assert all((ROOT / f"{module.replace('.', '/')}.py").is_file() for module in uses.READERS.values())


def test_the_hash_is_the_same_under_every_python():
    text = 'def f(x: int = 1, *a) -> str:\n    """Words."""\n    return f"{x!r:>8}" if a else "b"\n'
    assert _hash(ast.parse(text)) == "5700c8e30d380137"
    assert _hash(ast.parse(text.replace("Words", "Others"))) == "5700c8e30d380137"
    assert _hash(ast.parse(text.replace(">8", ">9"))) != "5700c8e30d380137"
