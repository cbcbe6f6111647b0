"""The Colab route: an environment with only what Colab surely has, an empty folder, and the chapter's first cell."""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from mmlib.book import colab
from mmlib.notebooks import chapters

ROOT = Path(__file__).resolve().parents[1]
HELD = ("torch", "torchvision", "numpy", "matplotlib", "ipykernel", "pip")


def with_needs(names: tuple[str, ...]) -> set[str]:
    """Distributions and everything they need that is installed here."""
    waiting, seen = list(names), set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # needed on other systems only
        if name not in seen:
            seen.add(name)
            waiting += [re.match(r"[\w.-]+", need)[0] for need in needs if "extra ==" not in need]
    return seen


def link_package(name: str, site: Path) -> None:
    """Put one installed distribution into another site-packages as hard links: no copies, no harm to ours."""
    here = Path(metadata.distribution(name).locate_file(""))
    for file in metadata.files(name) or []:
        source, target = here / file, site / file
        if ".." not in file.parts and source.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, target)
            except OSError:  # another disk
                shutil.copy(source, target)


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """The Python of a fresh environment that holds only HELD and what they need."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    for name in sorted(with_needs(HELD)):
        link_package(name, site)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A clonable copy of the working tree as it is now, on the branch the Colab cell asks for."""
    folder = tmp_path_factory.mktemp("repository") / "book"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for step in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *step], cwd=folder, check=True)
    return folder


def test_the_cell_does_nothing_outside_colab(tmp_path, monkeypatch):
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    monkeypatch.chdir(tmp_path)
    exec(colab.cell(), {})
    assert not list(tmp_path.iterdir())


def test_the_verdict_names_device_and_preset():
    assert re.search(r'torch \d.* GiB; \d+ GB of disk free\. Use preset = "(laptop|gpu)"\.', colab.verdict())


def test_another_version_is_named(capsys, monkeypatch):
    monkeypatch.setattr(colab, "missing", list)
    colab.main("9.9.9")
    assert "written for version 9.9.9" in capsys.readouterr().out


@pytest.mark.slow
def test_chapter_1_runs_from_an_empty_folder_with_only_what_colab_has(bare_python, repository, tmp_path):
    before = subprocess.check_output([bare_python, "-m", "pip", "freeze"], text=True)
    assert "kornia" not in before and "papermill" not in before
    notebook = nbformat.read(chapters()[0], as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace('"laptop"', '"smoke"')
    manager = KernelManager()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MMLIB", "PYTHON"))}
    environment |= {"COLAB_RELEASE_TAG": "test", "BOOK_REPOSITORY": str(repository)}
    manager.kernel_spec.argv = [str(bare_python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    client = NotebookClient(notebook, km=manager, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=environment)
    assert (tmp_path / "book_code" / "mmlib").is_dir()
    verdict = next(cell for cell in notebook.cells if cell.cell_type == "code").outputs[-1].text
    assert 'Use preset = "' in verdict
    after = subprocess.check_output([bare_python, "-m", "pip", "freeze"], text=True)
    pattern = r"^(?:torch|torchvision|numpy)==.*$"
    assert re.findall(pattern, before, re.M) == re.findall(pattern, after, re.M), "Colab's own packages were touched"
