import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flasgo.cli.command import main
from flasgo.lifespan import warn_of_random_key

APP = """
from flasgo import Flasgo
app = Flasgo(settings={"SECRET_KEY": "a secret of a test, and of no use elsewhere", "API_TITLE": "Büro"})

@app.get("/books")
async def books(page: int = 1) -> list[str]: ...
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    for name in ("shop", "next", "plain"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "plain.py").write_text("async def app(scope, receive, send): ...\n")
    yield tmp_path
    for name in ("shop", "next", "plain"):
        sys.modules.pop(name, None)


def test_it_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi", "shop.py"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["info"]["title"] == "Büro"
    assert list(document["paths"]) == ["/books"]


def test_no_key_is_needed_and_none_is_warned_of(
    project: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_random_key.cache_clear()
    (project / "next.py").write_text("from flasgo import Flasgo\napp = Flasgo()\n")
    assert main(["openapi", "next.py"]) == 0
    captured = capsys.readouterr()
    assert (json.loads(captured.out)["paths"], captured.err, caplog.records) == ({}, "", [])
    warn_of_random_key()


def test_it_writes_and_compares(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi", "shop.py", "-o", "old.json"]) == 0
    assert main(["openapi", "shop.py", "--check", "old.json"]) == 0
    assert capsys.readouterr().out == ""
    (project / "next.py").write_text(APP.replace("page: int = 1", "page: int"))
    assert main(["openapi", "next.py", "--check", "old.json", "-o", "new.json"]) == 1
    assert capsys.readouterr().out == "GET /books: query parameter 'page': required now\n"
    assert not (project / "new.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "missing.py"),
        (["plain.py"], "not of flasgo"),
        (["shop.py", "--check", "missing.json"], "missing.json cannot be read"),
        (["shop.py", "--check", "shop.py"], "shop.py is not JSON"),
        (["shop.py", "--check", "list.json"], "is no OpenAPI document"),
        (["shop.py", "--check", "deep.json"], "deep.json is not JSON"),
        (["shop.py", "--check", "swagger.json"], "swagger.json is of OpenAPI 2.0, but only 3.1 can be compared"),
        (["shop.py", "--check", "older.json"], "older.json is of OpenAPI 3.0.3, but only 3.1 can be compared"),
        (["shop.py", "--check", "odd.json"], "odd.json is no OpenAPI document that can be read"),
        (["shop.py", "-o", "missing/new.json"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told(
    project: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "list.json").write_text("[]")
    (project / "deep.json").write_text("[" * 100_000)
    (project / "swagger.json").write_text('{"swagger": "2.0", "paths": {}}')
    (project / "older.json").write_text('{"openapi": "3.0.3", "paths": {}}')
    paths = "".join(f'"{path}": 5, ' for path in ("/", "/books", "/books/{id}"))
    (project / "odd.json").write_text(f'{{"openapi": "3.1.0", "paths": {{{paths[:-2]}}}}}')
    assert main(["openapi", *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
