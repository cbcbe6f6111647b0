"""Records, presets and fingerprints: what is written is whole and checked, what is recognised is the code."""

import hashlib
import json
from pathlib import Path

import nbformat
import pytest

from mmlib import runs
from mmlib.runs import fingerprint, records


def notebook(path: Path, *cells: str | tuple[str, list[str]]) -> Path:
    """Write a notebook of code cells, each a text or (text, tags)."""
    made = nbformat.v4.new_notebook()
    for cell in cells:
        text, tags = cell if isinstance(cell, tuple) else (cell, [])
        made.cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": tags}))
    nbformat.write(made, path)
    return path


@pytest.fixture
def written(tmp_path):
    """Write a record with some values and return its path."""

    def write(**change):
        source = notebook(tmp_path / "nb.ipynb", "x = 1")
        key = {"notebook": source, "chapter": "toy", "data": "ministreet", "data_fingerprint": "f"}
        key |= {"preset": "smoke", "seed": 0, "values": {"miou": 0.5}, "wall_s": 1.0}
        return runs.write_record(tmp_path / "results", **(key | change))

    return write


def test_preset_names_are_checked():
    assert runs.check_preset("smoke") == "smoke"
    with pytest.raises(ValueError, match="expected a preset out of smoke, laptop, gpu, paper, got 'tiny'"):
        runs.check_preset("tiny")


def test_a_record_says_what_where_and_by_which_code(written):
    path = written()
    record = runs.load_record(path)
    assert path.name == "default-ministreet-smoke-0.json" and path.parent.name == "toy"
    assert record["values"] == {"miou": 0.5}
    assert len(record["code_fingerprint"]) == 64 and record["versions"]["torch"]
    assert not list(path.parent.glob("*.part")), "a half-written file was left behind"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"deep": [1.0, float("nan")]}])
def test_numbers_that_are_none_are_refused_and_nothing_is_written(written, tmp_path, value):
    with pytest.raises(ValueError, match="finite"):
        written(values={"miou": value})
    assert not (tmp_path / "results").exists()


def test_a_bad_record_never_replaces_a_good_one(written):
    path = written()
    before = path.read_bytes()
    with pytest.raises(ValueError):
        written(values={"miou": float("nan")})
    assert path.read_bytes() == before


@pytest.mark.parametrize("field", sorted(records.REQUIRED))
def test_every_field_is_required(written, field):
    path = written()
    record = json.loads(path.read_text())
    del record[field]
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=field):
        runs.load_record(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x80\x04pickle", '{"schema": 99}'])
def test_what_is_not_a_record_is_refused(written, text):
    path = written()
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=str(path)):
        runs.load_record(path)


def test_a_missing_record_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match="make reproduce"):
        runs.load_record(tmp_path / "none.json")


def test_fingerprint_follows_code_and_not_words(tmp_path):
    plain = fingerprint.code_fingerprint(notebook(tmp_path / "a.ipynb", "x = 1"))
    words = fingerprint.code_fingerprint(notebook(tmp_path / "b.ipynb", "# a comment\nx  =  1"))
    look = fingerprint.code_fingerprint(notebook(tmp_path / "c.ipynb", "x = 1", ("print(x)", ["look"])))
    code = fingerprint.code_fingerprint(notebook(tmp_path / "d.ipynb", "x = 2"))
    assert plain == words == look != code


def test_imports_are_followed_through_the_library(tmp_path):
    source = notebook(tmp_path / "a.ipynb", "%matplotlib inline\nfrom mmlib.runs import write_record")
    files = {str(path.relative_to(fingerprint.ROOT)) for path in runs.code_files(source)}
    assert {"mmlib/__init__.py", "mmlib/runs/records.py", "mmlib/runs/presets.py"} <= files
    assert not any(name.startswith("mmlib/book") for name in files)


def test_docstrings_do_not_count(tmp_path):
    one = notebook(tmp_path / "a.ipynb", 'def f():\n    "one"\n    return 1')
    two = notebook(tmp_path / "b.ipynb", 'def f():\n    "two words"\n    return 1')
    assert fingerprint.code_fingerprint(one) == fingerprint.code_fingerprint(two)


def test_the_fingerprint_is_the_same_under_every_python():
    text = 'def f(x: int = 1, *a) -> str:\n    """Words."""\n    return f"{x!r:>8}" if a else "b"\n'
    digest = hashlib.sha256(fingerprint._code(text, "text")).hexdigest()
    assert digest == "5700c8e30d38013749e0e9a19c170e20222640b19e8dff4df3cc2b3a5f258193"


def test_drawing_does_not_make_a_number_old(tmp_path, monkeypatch):
    plain = notebook(tmp_path / "a.ipynb", "from mmlib.show import table")
    before = fingerprint.code_fingerprint(plain)
    read = Path.read_text

    def changed(which):
        def text(path, *args, **kwargs):
            return read(path, *args, **kwargs) + ("\nADDED = 1\n" if which in path.as_posix() else "")

        return text

    monkeypatch.setattr(Path, "read_text", changed("mmlib/show/"))
    assert fingerprint.code_fingerprint(plain) == before
    monkeypatch.setattr(Path, "read_text", changed("mmlib/__init__"))
    assert fingerprint.code_fingerprint(plain) != before
