import io
import sys

import pytest

from flasgo.cli.command import main

SOURCE = """
    import click
    from flasgo import Flasgo, current_app, url_for

    app = Flasgo()
    bare = Flasgo()

    @app.get("/<name>")
    async def page(name: str) -> str:
        return name

    @app.cli.command("greet")
    @click.argument("name")
    @click.option("--times", default=1)
    def greet(name, times):
        '''Greet somebody.'''
        click.echo(f"hello {name} " * times + url_for("page", name=name))
        return 7

    @app.cli.command()
    async def count_all():
        print(current_app is bare, len(current_app.routes))

    @app.cli.command()
    @click.pass_context
    def fail(context):
        context.exit(3)

    @click.group()
    def db():
        '''The database.'''

    @db.command()
    def init():
        print("made")

    app.cli.add_command(db)

    async def other(scope, receive, send): ...
"""


@pytest.fixture(autouse=True)
def site(project):
    project.write("app.py", SOURCE)


def test_a_command_gets_its_arguments_and_knows_the_application(capsys):
    assert main(["cmd", "app.py", "greet", "Ada", "--times", "2"]) == 0
    assert capsys.readouterr().out == "hello Ada hello Ada /Ada\n"


def test_a_coroutine_function_and_a_group_of_click_are_commands(capsys):
    assert main(["cmd", "app.py", "count-all"]) == 0
    assert main(["cmd", "app.py", "db", "init"]) == 0
    assert capsys.readouterr().out == "False 1\nmade\n"


def test_a_command_decides_its_exit_status():
    assert main(["cmd", "app.py", "fail"]) == 3


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_name_the_commands_are_listed(arguments, capsys):
    assert main(["cmd", "app.py", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "flasgo cmd app.py" in printed
    assert all(text in printed for text in ("Commands of app.py.", "greet", "Greet somebody.", "count-all", "db"))


def test_options_behind_the_name_are_the_commands_own(capsys):
    assert main(["cmd", "app.py", "greet", "--help"]) == 0
    assert "--times" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["app.py", "gret"], "No such command 'gret'"),
        (["app.py", "greet"], "Missing argument 'NAME'"),
        (["app:bare"], "'app:bare' has no commands. Register one"),
        (["app:other", "greet"], "not of flasgo"),
        (["app.py", "greet", "--nothing", "x"], "No such option"),
    ],
)
def test_what_cannot_be_run_is_told_in_one_sentence(arguments, said, capsys):
    assert main(["cmd", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_shell_knows_the_application_and_the_names_of_its_module(monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "stdin", io.StringIO("print(app is bare, url_for('page', name='x'), current_app is app)\n")
    )
    assert main(["shell", "app.py"]) == 0
    assert "False /x False" in capsys.readouterr().out


def test_the_shell_of_another_application_is_refused(capsys):
    assert main(["shell", "app:other"]) == 2
    assert "not of flasgo" in capsys.readouterr().err


def test_the_shell_works_where_there_is_no_readline(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "readline", None)
    monkeypatch.setattr(sys, "stdin", io.StringIO("print(1 + 1)\n"))
    assert main(["shell", "app:bare"]) == 0
    assert "2\n" in capsys.readouterr().out
