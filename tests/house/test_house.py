"""The rules of the house that no linter knows."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "fathom").rglob("*.py"))
TEXTS = [
    place
    for folder in ("src", "docs")
    for place in sorted((ROOT / folder).rglob("*"))
    if place.suffix in {".py", ".md", ".html", ".css", ".js", ".toml", ".txt", ".yml"}
]
# The only places that may import our own modules inside functions: lazy names, lazy verbs.
LAZY = {"__init__.py", "cli/main.py"}
MOST_LINES, MOST_FUNCTION_LINES = 500, 60


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "src" / "fathom").as_posix()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def faults(name: str, text: str) -> list[str]:
    """What is against the rules in one source file."""
    tree = ast.parse(text)
    found: list[str] = []
    if text.count("\n") > MOST_LINES:
        found.append(f"{text.count(chr(10))} lines")
    for function in functions(tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        documented = function.body[0] if ast.get_docstring(function) else None
        if documented is not None:
            lines -= (documented.end_lineno or 0) - documented.lineno + 1
        if lines > MOST_FUNCTION_LINES:
            found.append(f"{function.name} has {lines} lines")
        for node in ast.walk(function):
            ours = [name for name in imported(node) if name.split(".")[0] == "fathom"]
            if ours and name not in LAZY:
                found.append(f"{function.name} imports {ours[0]}")
    for node in ast.walk(tree):
        found += [f"imports {one}" for one in imported(node) if one.split(".")[0] in FORBIDDEN]
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            found.append("star import")
        if isinstance(node, ast.Call):
            found += [f"calls {call}" for call in (ast.unparse(node.func),) if call in CALLS]
    return found


FORBIDDEN = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
CALLS = {"hasattr", "torch.load", "torch.save", "eval", "exec", "np.load", "numpy.load"}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_source_keeps_the_rules(path: Path) -> None:
    assert faults(name_of(path), path.read_text(encoding="utf-8")) == []


def test_the_rules_bite() -> None:
    """Each rule finds the fault that it was made for."""
    lines = ["import pickle", "from os import *", "def long(x):"]
    lines += ["    from fathom.base import files", *["    x += 1"] * 70]
    lines += ["    return hasattr(x, 'y'), torch.load(x)", *[""] * 500]
    assert faults("models/nothing.py", "\n".join(lines)) == [
        "574 lines",
        "long has 73 lines",
        "long imports fathom.base",
        "imports pickle",
        "star import",
        "calls hasattr",
        "calls torch.load",
    ]
    assert faults("cli/main.py", "def verb():\n    from fathom.cli import verbs\n") == []


@pytest.mark.parametrize("package", sorted({path.parent for path in SOURCES}), ids=name_of)
def test_every_package_says_what_lives_in_it(package: Path) -> None:
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    said = ast.get_docstring(tree)
    assert said is not None
    assert len(said) > 20


# The host names of package registries and model hubs, taken apart so that this file holds none.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("conda", "anaconda"),
        ("anaconda", "org"),
        ("huggingface", "co"),
        ("npmjs", "com"),
        ("download", "pytorch"),
    )
]
PLACES = [
    "/" + "/".join(parts)
    for parts in (
        ("work", "main"),
        ("work", "shared"),
        ("work", "venv"),
        ("work", "scratch"),
        ("home", ""),
        ("root", ""),
        ("Users", ""),
    )
]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_names_a_machine_or_a_registry(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [word for word in HOSTS if word in text.lower()] == []
    assert [word for word in PLACES if re.search(rf"(?<![\w.]){re.escape(word)}", text)] == []


@pytest.mark.parametrize("package", ["torchvision", "torchaudio", "torchcodec"])
def test_packages_that_are_not_needed_are_not_there(package: str) -> None:
    """An import that works by accident here would fail for everyone else."""
    assert importlib.util.find_spec(package) is None
