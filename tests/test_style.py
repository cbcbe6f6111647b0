"""The house rules that a machine can check: types, docstrings, light imports, no machine's traces."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(path for path in (ROOT / "mmlib").rglob("*.py") if "__pycache__" not in path.parts)
every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


def functions(path: Path):
    """Every function of a module with whether it is public (of the module, or of a public class)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for scope in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
        open_scope = not getattr(scope, "name", "").startswith("_")
        for node in scope.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node, open_scope and not node.name.startswith("_")


@every_module
def test_public_functions_have_types_and_words(path):
    for node, public in functions(path):
        if not public:
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        untyped = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        assert not untyped, f"{node.name}: {untyped} without a type"
        assert node.returns is not None, f"{node.name} without a return type"
        assert ast.get_docstring(node), f"{node.name} without a docstring"


@every_module
def test_a_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_there_is_no_drawer_for_odds_and_ends():
    assert not [path for path in MODULES if re.search(r"util|helper|misc|common", path.stem)]


LEVELS = (
    {"files", "uses", "layers", "losses", "images", "health", "convert"},
    {"scenes", "flow", "notebooks", "starts"},
    {"augment", "data", "metrics", "show"},
    {"backbones", "detect", "fusion", "rules", "text", "train", "exercises"},
    {"models", "results"},
    {"book", "fuse"},
    {"score"},
)
"""The parts of mmlib from the ground up: a part imports only from levels below its own."""


def parts_imported(path: Path) -> set[str]:
    """The parts of mmlib that a module imports, anywhere in its code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{name.name}" for name in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("mmlib.")}
    return found - {"__version__"}


def test_imports_run_one_way():
    level = {part: number for number, parts in enumerate(LEVELS) for part in parts}
    wrong = []
    for path in MODULES:
        parts = path.relative_to(ROOT / "mmlib").with_suffix("").parts
        if parts == ("__init__",):
            continue
        assert parts[0] in level, f"{parts[0]}: expected a part named in LEVELS; next: give the new part its level"
        for other in parts_imported(path) - {parts[0]}:
            if level[other] >= level[parts[0]]:
                wrong.append(f"{path.relative_to(ROOT)} imports mmlib.{other}")
    assert not wrong


def test_importing_the_library_costs_nothing():
    code = "import sys, time; t = time.perf_counter(); import mmlib\n"
    code += "print(time.perf_counter() - t, 'torch' in sys.modules)"
    seconds, torch_came_along = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split()
    assert float(seconds) < 1 and torch_came_along == "False"


def test_no_part_drags_the_heavy_libraries_in():
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES]
    names = [name for name in names if not name.endswith("__main__") and name != "mmlib.book.sphinx_ext"]
    heavy = ("torchvision", "kornia", "matplotlib", "cv2", "torchmetrics", "ipywidgets", "IPython")
    networks = [name for name in names if name.startswith("mmlib.models")]  # built from torchvision's layers, too
    code = f"""
import importlib, sys
for name in {sorted({*names} - {*networks})}:
    importlib.import_module(name)
    for heavy in {heavy}:
        assert heavy not in sys.modules, f"{{name}} imports {{heavy}}"
for name in {networks}:
    importlib.import_module(name)
for heavy in {heavy[1:]}:
    assert heavy not in sys.modules, f"a network imports {{heavy}}"
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_style_checker_is_content():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_no_trace_of_a_machine():
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    pattern = re.compile(r"(?<![\w.])/(?:work|root|farm|home)/\w")
    for name in listed:
        path = ROOT / name
        if (
            name
            and path.is_file()
            and path.suffix in {".py", ".md", ".yml", ".json", ".toml", ".txt", ".ipynb", ".cff"}
        ):
            found = pattern.search(path.read_text(encoding="utf-8"))
            assert not found, f"{name}: {found[0]}"
