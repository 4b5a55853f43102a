"""Commands of an application in tests, without a process of their own."""

from collections.abc import Sequence
from typing import TypeVar, cast

from click.testing import CliRunner, Result

from flasgo.app import Flasgo
from flasgo.cli.made import group_of
from flasgo.settings import Settings

S = TypeVar("S", bound=Settings)


def invoke(app: Flasgo[S], arguments: Sequence[str], *, stdin: str | None = None) -> Result:
    """Run a command as `flasgo cmd TARGET` does: `invoke(app, ["greet", "ada"]).output`.

    The result has `output`, `exit_code` and, where the command raised, `exception`.
    """
    with app.app_context():
        group = group_of(cast("Flasgo[Settings]", app), "", app.cli)
        return CliRunner().invoke(group, list(arguments), input=stdin)
