"""The command `flasgo`: its verbs, and how every failure is told.

A failure is one sentence with its cure on stderr and exit status 2; before it stand the last lines of the traceback
when it is the user's own code that raised.
"""

from collections.abc import Sequence

import click

from flasgo.cli.check import check
from flasgo.cli.cmd import cmd
from flasgo.cli.failures import last_lines
from flasgo.cli.openapi import openapi
from flasgo.cli.routes import routes
from flasgo.cli.run import run
from flasgo.cli.shell import shell
from flasgo.errors import ConfigurationError
from flasgo.server.processes import EXIT_REFUSED, say

_INTERRUPTED = 130
"""The exit status of a command that Ctrl+C ended, by the convention of shells: 128 and the number of the signal."""


@click.group(
    name="flasgo",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="flasgo", prog_name="flasgo")
@click.pass_context
def command(context: click.Context) -> int:
    """Serve and inspect flasgo applications.

    TARGET is a file (app.py), a module (package.module), or either with the application's name after a colon
    (app.py:api, package.module:create_app).
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        return EXIT_REFUSED
    return 0


command.add_command(run)
command.add_command(openapi)
command.add_command(routes)
command.add_command(cmd)
command.add_command(shell)
command.add_command(check)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; `argv` without the program's name, by default that of the process. Returns the exit status."""
    try:
        status: object = command.main(argv, prog_name="flasgo", standalone_mode=False)
    except ConfigurationError as error:
        click.echo(last_lines(error), err=True, nl=False)
        say(str(error))
        return EXIT_REFUSED
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        cure = f" See `{context.command_path} --help`." if context else ""
        say(f"{error.format_message()}{cure}")
        return EXIT_REFUSED
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    return status if isinstance(status, int) else 0
