import os
import sys

import pytest

from flasgo.cli import run as module
from flasgo.cli.command import main
from flasgo.server.run import ServeOptions


class Launched:
    """What `flasgo run` asked the server for."""

    def __init__(self):
        self.loaded = False

    def __call__(self, load, options, environment):
        self.load = load
        self.options = options
        self.environment = environment
        self.loaded = "app" in sys.modules
        return 0


@pytest.fixture
def launched(monkeypatch, project):
    project.write("app.py", "from flasgo import Flasgo\napp = Flasgo()\ndebugged = Flasgo(settings={'DEBUG': True})")
    launched = Launched()
    monkeypatch.setattr(module, "launch", launched)
    return launched


def test_the_defaults_serve_one_process_on_the_loopback_address(launched):
    assert main(["run", "app.py"]) == 0
    assert launched.options == ServeOptions(name="app.py", host="127.0.0.1", port=8000)
    assert launched.load() is sys.modules["app"].app
    assert launched.environment == dict(os.environ)


def test_every_option_reaches_the_server(launched):
    options = ["--host", "::1", "--port", "0", "--root-path", "/api", "--log-level", "debug", "--workers", "3"]
    options += ["--max-requests", "9000"]
    assert main(["run", "app:debugged", *options]) == 0
    assert launched.options == ServeOptions(
        name="app:debugged", host="::1", port=0, root_path="/api", log_level="debug", workers=3, max_requests=9000
    )


def test_the_application_may_be_named_by_an_option(launched):
    assert main(["run", "app.py", "--app", "debugged", "--no-reload"]) == 0
    assert launched.load() is sys.modules["app"].debugged


@pytest.mark.parametrize(
    ("arguments", "reload"),
    [
        (["app:app"], False),
        (["app:debugged"], True),
        (["app:debugged", "--no-reload"], False),
        (["app:app", "--reload"], True),
        (["app:app", "--reload-dir", "."], True),
        (["app:debugged", "--workers", "2"], False),
        (["app:debugged", "--max-requests", "2"], False),
    ],
)
def test_reload_is_asked_for_or_comes_with_debug(launched, arguments, reload):
    assert main(["run", *arguments]) == 0
    assert launched.options.reload is reload


@pytest.mark.parametrize("arguments", [["--reload"], ["--reload-dir", "."]])
def test_a_supervisor_that_is_asked_for_does_not_load_the_application(launched, arguments):
    assert main(["run", "app.py", *arguments]) == 0
    assert not launched.loaded


def test_the_folder_of_a_file_is_watched_the_working_directory_for_a_module_and_else_what_is_named(launched, project):
    project.write("sites/app.py", "")
    project.write("shared/texts.py", "")
    for arguments, watched in (
        (["sites/app.py"], {"sites"}),
        (["app"], {""}),
        (["app", "--reload-dir", "sites", "--reload-dir", "shared"], {"sites", "shared"}),
    ):
        assert main(["run", "--reload", *arguments]) == 0
        assert set(launched.options.reload_directories) == {project.root / name for name in watched}


def test_an_application_that_is_not_of_flasgo_has_no_debug(launched, project):
    project.write("plain.py", "async def app(scope, receive, send): ...")
    assert main(["run", "plain"]) == 0
    assert not launched.options.reload


def test_children_read_the_environment_file_themselves(launched, project, monkeypatch):
    monkeypatch.setattr(os, "environ", {"A": "1"})
    project.write(".env", "B=2")
    assert main(["run", "app.py"]) == 0
    assert os.environ == {"A": "1", "B": "2"}
    assert launched.environment == {"A": "1"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--no-reload", "--reload-dir", "."], "--reload-dir and --no-reload contradict each other: leave one out."),
        (["--root-path", "api"], "--root-path starts with a slash and does not end with one: for example /api."),
        (["--root-path", "/api/"], "--root-path starts with a slash and does not end with one: for example /api."),
        (["--root-path", "/"], "--root-path starts with a slash and does not end with one: for example /api."),
        (
            ["--reload-dir", "app.py"],
            "The reload folder 'app.py' is not a folder: name a folder that holds source files.",
        ),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(launched, capsys, arguments, sentence):
    assert main(["run", "app.py", *arguments]) == 2
    assert capsys.readouterr().err == f"flasgo: {sentence}\n"


def test_help_names_every_option(capsys):
    assert main(["run", "--help"]) == 0
    told = capsys.readouterr().out
    names = [
        "--app",
        "--host",
        "--port",
        "--reload",
        "--no-reload",
        "--reload-dir",
        "--workers",
        "--max-requests",
        "--root-path",
        "--log-level",
        "--env-file",
    ]
    assert [name for name in names if name not in told] == []
