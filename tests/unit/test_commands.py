import click
import pytest

from flasgo import Blueprint, Flasgo, RegistrationError
from flasgo.commands import Commands


def test_a_command_is_named_by_its_function_with_hyphens_or_as_it_is_told() -> None:
    commands = Commands()

    @commands.command()
    def init_db() -> None: ...

    @commands.command("fill")
    def fill_db() -> None: ...

    commands.add_command(click.Command("purge"))

    assert list(commands) == ["init-db", "fill", "purge"]
    assert commands["fill"] is fill_db
    assert len(commands) == 3


@pytest.mark.parametrize("name", ["--help", "two words", "line\nbreak"])
def test_a_name_that_cannot_be_typed_is_refused(name: str) -> None:
    with pytest.raises(RegistrationError, match="cannot be typed"):
        Commands().add_command(print, name)


def test_a_name_stands_for_one_command() -> None:
    commands = Commands()
    commands.add_command(print)
    with pytest.raises(RegistrationError, match="There is a command 'print' already"):
        commands.add_command(print)


def test_a_group_of_a_blueprint_needs_a_name_of_its_own() -> None:
    app, blog = Flasgo(), Blueprint("blog")
    blog.cli.command()(test_a_name_stands_for_one_command)
    app.cli.add_command(print, "blog")

    with pytest.raises(RegistrationError, match="There is a command 'blog' already"):
        app.register_blueprint(blog)
    with pytest.raises(RegistrationError, match="There is a command 'blog' already"):
        app.cli.add_group("blog", blog.cli)
