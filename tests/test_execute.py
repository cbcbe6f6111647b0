"""Executing a chapter: parameters are checked, a failure leaves nothing half-made, what differs by run is taken out."""

import nbformat
import pytest
from results_toy import notebook

from mmlib import notebooks
from mmlib.book import colab, install, vendor

PARAMETERS = 'preset = "laptop"\ndata = "ministreet"\nseed = 0\npretrained = True\nout = ""'


@pytest.fixture
def chapter(tmp_path):
    """A notebook with the book's parameters and one more cell."""

    def make(code: str = "print(preset, seed)"):
        return notebook(tmp_path / "01_toy.ipynb", (PARAMETERS, "parameters"), code)

    return make


def output_text(path):
    """What the last cell printed."""
    return nbformat.read(path, as_version=4).cells[-1].outputs[0].text


def test_parameters_reach_the_notebook_in_its_own_types(chapter, tmp_path):
    done = notebooks.execute(chapter(), tmp_path / "done.ipynb", preset="smoke", parameters={"seed": "7"})
    assert output_text(done) == "smoke 7\n"


@pytest.mark.parametrize(
    ("preset", "parameters", "message"),
    [
        ("huge", {}, "expected a preset out of"),
        ("smoke", {"sede": 1}, "has no parameter 'sede'; expected one of data, out"),
        ("smoke", {"seed": "many"}, "expected seed as int, got 'many'"),
        ("smoke", {"pretrained": 3}, "expected pretrained as bool"),
    ],
)
def test_wrong_preset_and_parameters_stop_before_anything_runs(chapter, tmp_path, preset, parameters, message):
    with pytest.raises(ValueError, match=message):
        notebooks.execute(chapter(), tmp_path / "done.ipynb", preset=preset, parameters=parameters)
    assert not (tmp_path / "done.ipynb").exists()


def test_a_cell_that_hangs_is_given_up(chapter, tmp_path):
    with pytest.raises(RuntimeError, match="a cell took more than 2 s and was given up; the outputs so far: .*failed"):
        notebooks.execute(chapter("import time\ntime.sleep(600)"), tmp_path / "done.ipynb", limit_s=2)
    assert not (tmp_path / "done.ipynb").exists()
    assert (tmp_path / "done.failed.ipynb").exists()


def test_a_failing_chapter_keeps_the_old_one_and_names_the_outputs(chapter, tmp_path):
    done = notebooks.execute(chapter(), tmp_path / "done.ipynb")
    before = done.read_bytes()
    with pytest.raises(RuntimeError, match=r"ZeroDivisionError.*done\.failed\.ipynb"):
        notebooks.execute(chapter("1 / 0"), done)
    assert done.read_bytes() == before
    assert (tmp_path / "done.failed.ipynb").exists()


def test_two_runs_give_the_same_bytes(chapter, tmp_path):
    source = chapter()
    first = notebooks.execute(source, tmp_path / "a.ipynb").read_bytes()
    assert notebooks.execute(source, tmp_path / "b.ipynb").read_bytes() == first


def test_chapters_answer_to_number_name_and_path():
    first = notebooks.chapters()[0]
    for name in ("1", "01_one_scene", "one_scene", "nbs/01_one_scene.ipynb"):
        assert notebooks.find(name) == first
    for name in ("", "99", "one"):
        with pytest.raises(FileNotFoundError, match="expected one of the chapters 01_one_scene"):
            notebooks.find(name)


def test_a_second_notebook_follows_the_first_and_has_a_number_of_its_own(tmp_path, monkeypatch):
    names = ("05_training", "05b_training_holds", "06_flow2seg", "10_senses", "notes", "5_short")
    for name in names:
        (tmp_path / f"{name}.ipynb").write_text("{}")
    monkeypatch.setattr(notebooks, "NBS", tmp_path)
    assert [path.stem for path in notebooks.chapters()] == list(names[:4])
    for name in ("5", "05", "training", "nbs/05_training.ipynb"):
        assert notebooks.find(name).stem == "05_training"
    for name in ("5b", "05b", "training_holds", "05b_training_holds"):
        assert notebooks.find(name).stem == "05b_training_holds"
    assert [notebooks.asks_whether_it_holds(path) for path in notebooks.chapters()] == [False, True, False, False]


def test_a_second_notebook_needs_no_preset_but_no_other_name_is_made_up(chapter, tmp_path):
    made = nbformat.read(chapter(), as_version=4)
    holds = tmp_path / "01b_toy_holds.ipynb"
    made.cells = [nbformat.v4.new_code_cell("print('read')")]
    nbformat.write(made, holds)
    assert output_text(notebooks.execute(holds, tmp_path / "done.ipynb", preset="smoke")) == "read\n"
    with pytest.raises(ValueError, match="has no parameter 'seed'"):
        notebooks.execute(holds, tmp_path / "again.ipynb", preset="smoke", parameters={"seed": 1})
    with pytest.raises(ValueError, match="expected a preset out of"):
        notebooks.execute(holds, tmp_path / "again.ipynb", preset="huge")


def test_a_tampered_download_is_thrown_away(tmp_path, monkeypatch):
    monkeypatch.setattr(vendor, "download", lambda: b"not MathJax")
    with pytest.raises(RuntimeError, match="expected sha512-"):
        vendor.fetch(tmp_path)
    assert not (tmp_path / ".complete").exists() and not list(tmp_path.glob("*.tgz"))


def test_an_unreachable_registry_says_what_to_do(monkeypatch):
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9")
    with pytest.raises(RuntimeError, match="next: check the network, or set NPM_CONFIG_REGISTRY"):
        vendor.download()


def test_setup_does_nothing_twice_and_notices_a_change(monkeypatch):
    assert install.wanted_stamp("") == install.wanted_stamp("")
    assert install.wanted_stamp("") != install.wanted_stamp("torch==2.12.0")
    monkeypatch.setattr(install, "ROOT", install.ROOT / "tests")
    with pytest.raises(FileNotFoundError):
        install.wanted_stamp("")


def test_setup_refuses_a_full_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(install, "STAMP", tmp_path / "none")
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1e9}))
    with pytest.raises(SystemExit, match=r"expected 8 GB of free disk for .venv, got 1.0 GB"):
        install.check_machine()


def test_the_colab_cell_takes_its_address_from_the_config():
    assert "github.com" in colab.cell() and "{" not in colab.cell()
    assert not set(colab.KEPT) & {name.split(">")[0] for name in colab.NEEDED.values()}
