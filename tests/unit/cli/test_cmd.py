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


LASTING = """
    import click
    from collections.abc import AsyncIterator, Iterator
    from typing import Annotated
    from flasgo import Blueprint, Depends, Flasgo, Settings, current_app

    def opened(settings: Settings) -> Iterator[list[str]]:
        print("open")
        yield [settings.API_TITLE]
        print("close")

    def for_a_request() -> int:
        return 1

    Database = Annotated[list[str], Depends(opened, scope="app")]
    app = Flasgo(settings={"API_TITLE": "shop"})

    @app.lifespan
    async def life(app: object) -> AsyncIterator[dict[str, object]]:
        print("start")
        yield {"name": "state"}
        print("stop")

    @app.cli.command()
    @click.argument("text")
    def add(text: str, database: Database) -> None:
        print("add", text, database, current_app.state.name)

    @app.cli.command()
    async def later(database: Database) -> None:
        print("later", database)

    @app.cli.command(lifespan=True)
    def asking() -> None:
        print("asking", app.state.name)

    @app.cli.command()
    def plain() -> None:
        print("plain")

    @app.cli.command(lifespan=True)
    def failing() -> None:
        raise click.ClickException("It did not work.")

    @click.group()
    def db() -> None:
        print("group")

    @db.command()
    def init() -> None:
        print("init", app.state.name)

    app.cli.add_command(db, lifespan=True)
    app.cli.add_command(click.Group("bare", commands={"init": init}), lifespan=True)
    app.cli.add_command(db, "closed")

    blog, inner = Blueprint("blog", url_prefix="/blog"), Blueprint("inner")

    @blog.cli.command()
    def publish(database: Database) -> None:
        "Publish what is due."
        print("publish", database)

    @inner.cli.command("count")
    def count() -> None:
        print("count")

    blog.register_blueprint(inner)
    app.register_blueprint(blog)
    app.register_blueprint(blog, name="notes", url_prefix="/notes")

    wrong = Flasgo()

    @wrong.cli.command()
    def wrongly(value: Annotated[int, Depends(for_a_request)]) -> None: ...

    broken = Flasgo()

    @broken.lifespan
    async def breaks(app: object) -> AsyncIterator[None]:
        raise ValueError("no database")
        yield

    @broken.cli.command(lifespan=True)
    def never() -> None: ...
"""


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["add", "tea"], "start open add:tea:['shop']:state close stop"),
        (["later"], "start open later:['shop'] close stop"),
        (["asking"], "start asking:state stop"),
        (["plain"], "plain"),
        (["db", "init"], "start group init:state stop"),
        (["bare", "init"], "start init:state stop"),
        (["blog", "publish"], "start open publish:['shop'] close stop"),
        (["notes", "publish"], "start open publish:['shop'] close stop"),
        (["blog.inner", "count"], "count"),
        (["asking", "--help"], ""),
    ],
)
def test_a_command_that_asks_runs_inside_the_lifespan(project, arguments, printed, capsys):
    project.write("shop.py", LASTING)
    assert main(["cmd", "shop.py", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    if "--help" not in arguments:
        assert " ".join(line.replace(" ", ":") for line in lines) == printed
    assert ("start" in lines) == ("start" in printed)


def test_the_lifespan_is_closed_after_a_command_that_fails(project, capsys):
    project.write("shop.py", LASTING)
    assert main(["cmd", "shop.py", "failing"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "start\nstop\n"
    assert "It did not work." in captured.err


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("shop.py:wrong", "a command has no request; give the provider the application's lifetime"),
        ("shop.py:broken", "startup failed: ValueError: no database"),
    ],
)
def test_what_cannot_be_given_to_a_command_is_told(project, target, said, capsys):
    project.write("shop.py", LASTING)
    assert main(["cmd", target, "never"]) == 2
    assert said in capsys.readouterr().err


def test_the_commands_of_a_blueprint_are_listed_under_its_name(project, capsys):
    project.write("shop.py", LASTING)
    assert main(["cmd", "shop.py", "blog"]) in {0, 2}
    printed = capsys.readouterr()
    assert "Publish what is due." in printed.out + printed.err
