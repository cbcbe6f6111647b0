"""What a chapter shows is what the library runs: cells tagged ``export`` and ``mmlib/models/`` agree."""

import importlib.util

import nbformat
import pytest
import torch

from mmlib.book.export import MODELS, differing, export, exported, main, target
from mmlib.notebooks import chapters

DOUBLE = 'import torch\nfrom torch import Tensor, nn\n\n\nclass Double(nn.Module):\n    """Twice its input."""\n\n'
DOUBLE += "    def forward(self, x: Tensor) -> Tensor:\n        return 2 * x"
MODEL = (
    "import torch\nfrom torch import nn\n\n\ndef model() -> nn.Module:\n    return nn.Sequential(Double(), nn.ReLU())"
)


@pytest.fixture
def chapter(tmp_path):
    """Write a chapter with some code cells, each (source, tags)."""

    def write(*cells, name="06_toy.ipynb"):
        made = nbformat.v4.new_notebook()
        made.cells.append(nbformat.v4.new_markdown_cell("# A toy of two parts\n\nWords."))
        made.cells += [nbformat.v4.new_code_cell(text, metadata={"tags": tags}) for text, tags in cells]
        nbformat.write(made, tmp_path / name)
        return tmp_path / name

    return write


def loaded(path):
    """The exported module, imported."""
    spec = importlib.util.spec_from_file_location("made", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parts(double=DOUBLE):
    """Two exported cells with one between that is only to look at."""
    return (double, ["export"]), ("print(Double()(torch.ones(1)))", ["look"]), (MODEL, ["export"])


def test_the_chapters_and_the_library_agree():
    assert not differing(chapters()), "next: make export"


def test_only_tagged_cells_are_written_in_order_and_imports_come_first(chapter, tmp_path):
    source = chapter(*parts())
    assert export([source], tmp_path / "models") == [tmp_path / "models" / "toy.py"]
    text = (tmp_path / "models" / "toy.py").read_text()
    assert text.startswith('"""A toy of two parts.\n') and "nbs/06_toy.ipynb" in text
    assert text.count("from torch import") == 1 and "print(" not in text
    assert text.index("from torch import") < text.index("class Double") < text.index("def model")
    assert "import torch\n" not in text, "what only the cell between needs is not imported"


def test_one_changed_cell_changes_the_model(chapter, tmp_path):
    folder, x = tmp_path / "models", torch.tensor([-1.0, 3.0])
    export([chapter(*parts())], folder)
    assert loaded(folder / "toy.py").model()(x).tolist() == [0, 6]
    changed = chapter(*parts(DOUBLE.replace("2 * x", "-2 * x")))
    assert list(differing([changed], folder)) == [folder / "toy.py"]
    export([changed], folder)
    assert loaded(folder / "toy.py").model()(x).tolist() == [2, 0]
    assert not differing([changed], folder) and not export([changed], folder)


def test_a_change_beside_the_exported_cells_changes_nothing(chapter, tmp_path):
    export([chapter(*parts())], tmp_path / "models")
    assert not differing([chapter(*parts(), ("x = 1", []))], tmp_path / "models")


def test_edits_in_the_library_are_noticed(chapter, tmp_path):
    source = chapter(*parts())
    path = export([source], tmp_path / "models")[0]
    path.write_text(path.read_text().replace("2 * x", "3 * x"))
    assert list(differing([source], tmp_path / "models")) == [path]


def test_a_module_without_a_chapter_is_noticed_and_removed(chapter, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Models."""\n')
    (folder / "old.py").write_text("x = 1\n")
    nothing = chapter(("x = 1", []))
    assert exported(nothing) is None
    assert list(differing([nothing], folder)) == [folder / "old.py"]
    export([nothing], folder)
    assert [p.name for p in folder.iterdir()] == ["__init__.py"]


def test_a_module_is_named_like_its_chapter(chapter):
    assert target(chapter()) == MODELS / "toy.py"
    assert target(chapter(name="09_fusenet_ris.ipynb")).name == "fusenet_ris.py"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([("def f() -> int:\n    return size", ["export"])], "Undefined name `size`; next: tag the cell"),
        ([("size = 3", []), ("area = size**2", ["export"])], "Undefined name `size`"),
        ([("%matplotlib inline\nx = 1", ["export"])], "expected plain Python"),
    ],
)
def test_cells_that_do_not_stand_alone_are_refused(chapter, cells, message):
    with pytest.raises(ValueError, match=message):
        exported(chapter(*cells))


def test_two_chapters_may_not_share_a_module(chapter, tmp_path):
    both = [chapter(*parts()), chapter(*parts(), name="07_toy.ipynb")]
    with pytest.raises(ValueError, match="got two for toy.py"):
        differing(both, tmp_path)


def test_the_command_says_what_differs(capsys):
    assert main(["--check"]) == 0
    assert main(["--chck"]) == 2 and "usage" in capsys.readouterr().err


def test_a_notebook_that_asks_whether_it_holds_exports_nothing(chapter):
    assert exported(chapter(("print(1)", []), name="06b_toy_holds.ipynb")) is None
    with pytest.raises(ValueError, match="06b_toy_holds.ipynb: expected no cell tagged export"):
        exported(chapter((DOUBLE, ["export"]), name="06b_toy_holds.ipynb"))
