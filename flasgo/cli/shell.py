"""`flasgo shell TARGET`: a Python prompt that knows the application."""

import code
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import click

from flasgo.cli.cmd import flasgo_app
from flasgo.cli.environment import env_file_option, read_env_file
from flasgo.cli.target import locate


@click.command()
@click.option("--app", "app_name", metavar="NAME", help="Name of the application in TARGET, instead of after a colon.")
@env_file_option
@click.argument("target")
def shell(target: str, app_name: str | None, env_file: Path | None) -> int:
    """Open a Python prompt with the application TARGET as `app`, and with the names of its module.

    TARGET is written as for `flasgo run`. `current_app` and `url_for` work; there is no request: `app.test_client()` makes some.
    """
    read_env_file(env_file)
    app = flasgo_app(target, app_name)
    module = sys.modules[locate(target, app_name=app_name).module]
    names = {name: value for name, value in vars(module).items() if not name.startswith("__")}
    names |= {"__name__": "__console__", "app": app}
    with suppress(ImportError):  # not on every system
        completer = import_module("rlcompleter").Completer(names)
        readline = import_module("readline")
        readline.set_completer(completer.complete)
        readline.parse_and_bind("tab: complete")
    version = sys.version.partition(" ")[0]
    with app.app_context():
        code.interact(f"Python {version}, {app!r} is app.", local=names, exitmsg="")
    return 0
