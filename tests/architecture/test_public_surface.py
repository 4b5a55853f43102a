"""What `flasgo` exports is what it says, and nothing of it is without a word."""

import ast
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FunctionType, MethodType, ModuleType

import pytest

import flasgo

PACKAGE = Path(flasgo.__file__).parent


def public_names(module: ModuleType) -> list[str]:
    """The names that a module has for others: its own submodules are reached by their paths."""
    late = vars(module).get("_LATE", ())
    return [
        *late,
        *(n for n, value in vars(module).items() if not n.startswith("_") and not isinstance(value, ModuleType)),
    ]


def homes() -> dict[str, ModuleType]:
    """Where each exported name is defined."""
    tree = ast.parse(Path(flasgo.__file__).read_text())
    return {
        alias.asname or alias.name: import_module(node.module or "")
        for node in (*tree.body, *(inner for block in tree.body if isinstance(block, ast.If) for inner in block.body))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def is_explained(name: str, module: ModuleType) -> bool:
    """Has a name a docstring, of its own or below its assignment, or a line in its module's tree?"""
    value = vars(module)[name]
    if type(value) in {FunctionType, MethodType}:
        return bool(value.__doc__)
    if isinstance(value, type):
        lines = (module.__doc__ or "").splitlines()
        return bool(value.__dict__.get("__doc__")) or any(f"─ {name} " in line for line in lines)
    body = ast.parse(Path(module.__file__ or "").read_text()).body
    for statement, following in pairwise(body):
        targets = statement.targets if isinstance(statement, ast.Assign) else ()
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
    return False


def test_all_is_sorted_and_complete() -> None:
    assert flasgo.__all__ == sorted(public_names(flasgo), key=lambda name: (not name.isupper(), name))


@pytest.mark.parametrize("name", flasgo.__all__)
def test_every_public_name_is_explained(name: str) -> None:
    assert is_explained(name, homes()[name])


def test_a_name_that_is_not_explained_is_caught(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        '"""A tree:\n    └─ Listed 404\n"""\n\n\nclass Silent: ...\n\n\nclass Listed: ...\n\n\n'
        "def silent(): ...\n\n\nbare = 1\ntold = 2\n'''Said.'''\n"
    )
    module = ModuleType("module")
    module.__file__ = str(file)
    exec(file.read_text(), module.__dict__)

    names = [name for name in public_names(module) if is_explained(name, module)]

    assert names == ["Listed", "told"]


def test_a_name_that_is_not_exported_is_seen() -> None:
    module = ModuleType("module")
    module.__dict__.update({"Left": int, "_Private": int, "submodule": ModuleType("submodule")})

    assert public_names(module) == ["Left"]


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_the_names_that_need_jinja_are_loaded_by_their_use() -> None:
    assert flasgo.TemplateNotFound is import_module("jinja2").TemplateNotFound
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vars(flasgo)["__getattr__"]("nothing")
