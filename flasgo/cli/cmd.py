"""`flasgo cmd TARGET NAME …`: run a command of the application's own.

They have a verb to themselves, so that an application may name its commands as it likes, and `flasgo run` is the same everywhere.
"""

from pathlib import Path
from typing import cast

import click

from flasgo.app import Flasgo
from flasgo.cli.environment import env_file_option, read_env_file
from flasgo.cli.made import group_of
from flasgo.cli.target import load_target
from flasgo.errors import ConfigurationError
from flasgo.settings import Settings


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--app", "app_name", metavar="NAME", help="Name of the application in TARGET, instead of after a colon.")
@env_file_option
@click.argument("target")
@click.argument("arguments", metavar="[NAME [ARGUMENTS]...]", nargs=-1, type=click.UNPROCESSED)
def cmd(target: str, arguments: tuple[str, ...], app_name: str | None, env_file: Path | None) -> int:
    """Run the command NAME of the application TARGET; without a NAME, list its commands.

    TARGET is written as for `flasgo run`. Commands are what the application registers with @app.cli.command("NAME").
    """
    read_env_file(env_file)
    app = flasgo_app(target, app_name)
    if not app.cli:
        raise ConfigurationError(f'{target!r} has no commands. Register one: @app.cli.command("init-db").')
    group = group_of(app, f"Commands of {target}.", app.cli)
    group.context_settings = {"help_option_names": ["-h", "--help"]}
    with app.app_context():
        status: object = group.main(
            list(arguments) or ["--help"], prog_name=f"flasgo cmd {target}", standalone_mode=False
        )
    return status if isinstance(status, int) else 0


def flasgo_app(target: str, app_name: str | None) -> Flasgo[Settings]:
    """The application of a target. Raises ConfigurationError where it is not of flasgo."""
    app = load_target(target, app_name=app_name)
    if not isinstance(app, Flasgo):
        raise ConfigurationError(f"{target!r} is an ASGI application, but not of flasgo, so it has none of these.")
    return cast("Flasgo[Settings]", app)
