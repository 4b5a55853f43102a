import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest


class Project:
    """The working directory of one test: files are written by `write`, modules imported from it are forgotten afterwards."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, source: str = "") -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))
        return file


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = dict(sys.modules)
    sys.modules.pop("app", None)
    yield Project(root)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(root)):
            del sys.modules[name]
    if "app" in before:
        sys.modules["app"] = before["app"]
