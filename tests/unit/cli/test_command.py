import runpy
import sys

import click
import pytest

from flasgo.cli import command as module
from flasgo.cli.command import main
from flasgo.errors import ConfigurationError


@pytest.fixture
def verb(monkeypatch):
    """A verb `try` that does what the test says."""

    def install(action):
        command = click.Command("try", callback=action)
        monkeypatch.setitem(module.command.commands, "try", command)

    return install


def failing(error):
    def action():
        raise error

    return action


def test_without_a_verb_help_goes_to_stderr_and_the_status_is_2(capsys):
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: flasgo" in err
    assert "run" in err
    assert "routes" in err


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_an_answer(capsys, option):
    assert main([option]) == 0
    assert "Usage: flasgo" in capsys.readouterr().out


def test_the_arguments_of_the_process_are_the_default(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["flasgo", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("flasgo, version ")


@pytest.mark.parametrize(("returned", "status"), [(0, 0), (3, 3), (None, 0)])
def test_a_verb_returns_the_status(verb, returned, status):
    verb(lambda: returned)
    assert main(["try"]) == status


def test_a_refusal_is_one_sentence_and_status_2(verb, capsys):
    verb(failing(ConfigurationError("The port is in use: choose another.")))
    assert main(["try"]) == 2
    assert capsys.readouterr() == ("", "flasgo: The port is in use: choose another.\n")


def test_the_users_own_error_comes_first(verb, capsys):
    error = ConfigurationError("It failed.")
    error.__cause__ = KeyError("DATABASE_URL")
    verb(failing(error))
    assert main(["try"]) == 2
    assert capsys.readouterr().err == "KeyError: 'DATABASE_URL'\nflasgo: It failed.\n"


def test_a_usage_error_is_one_sentence_that_names_the_help(capsys):
    assert main(["run"]) == 2
    assert capsys.readouterr().err == "flasgo: Missing argument 'TARGET'. See `flasgo run --help`.\n"


@pytest.mark.parametrize("error", [click.ClickException("It failed."), click.UsageError("It failed.")])
def test_other_errors_of_click_are_one_sentence(verb, capsys, error):
    verb(failing(error))
    assert main(["try"]) == 2
    assert capsys.readouterr().err.startswith("flasgo: It failed.")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_is_quiet(verb, capsys, error):
    verb(failing(error))
    assert main(["try"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_the_package_itself_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["flasgo", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("flasgo", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("flasgo, version ")


def test_importing_it_runs_nothing():
    assert runpy.run_module("flasgo.__main__", run_name="flasgo.__main__")["main"] is main
