"""The commands of an application as click has them, each inside the application's lifespan if it asks for that."""

from asyncio import Runner
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, nullcontext
from copy import copy
from functools import wraps

import click

from flasgo.app import Flasgo
from flasgo.commands import Asking, Commands, Entry
from flasgo.errors import ConfigurationError
from flasgo.plan.places import plan_command
from flasgo.settings import Settings
from flasgo.testing.lifespan import Lifespan


def group_of(app: Flasgo[Settings], words: str, commands: Commands) -> click.Group:
    """The commands as a group; those of blueprints are groups in it. Raises RegistrationError for a function that could not be called."""
    group = click.Group(help=words)
    for name, entry in commands.items():
        group.add_command(_command(app, name, entry), name)
    return group


def _command(app: Flasgo[Settings], name: str, entry: Entry) -> click.Command:
    if isinstance(entry, Commands):
        return group_of(app, f"Commands of {name}.", entry)
    asking = isinstance(entry, Asking)
    command = entry.command if isinstance(entry, Asking) else entry
    if not isinstance(command, click.Command):
        return _made(app, name, command, asking=asking)
    return _inside(app, command) if asking else command


def _made(app: Flasgo[Settings], name: str, function: Callable[..., object], *, asking: bool) -> click.Command:
    """The function as click knows it; what it returns is no exit status."""
    needs = plan_command(function)

    @wraps(function)
    def callback(*args: object, **values: object) -> None:
        with Runner() as runner, opened(app, runner) if needs or asking else nullcontext():
            given = {need.parameter: runner.run(app.lasting(need.provider).make()) for need in needs}
            result = function(*args, **values, **given)
            if isinstance(result, Coroutine):
                runner.run(result)

    return click.command(name, help=function.__doc__)(callback)


def _inside(app: Flasgo[Settings], command: click.Command) -> click.Command:
    """A command of click's own inside the lifespan; of a group all its commands are."""
    twin, own = copy(command), command.callback

    def callback(*args: object, **values: object) -> object:
        context = click.get_current_context()
        context.with_resource(opened(app, context.with_resource(Runner())))
        return None if own is None else own(*args, **values)

    twin.callback = callback
    return twin


@contextmanager
def opened(app: Flasgo[Settings], runner: Runner) -> Generator[None]:
    """The application's lifespan, on the loop of `runner`. Raises ConfigurationError where the application does not start."""

    async def started() -> Lifespan:
        lifespan = Lifespan(app)
        await lifespan.startup()
        return lifespan

    try:
        lifespan = runner.run(started())
    except RuntimeError as error:
        raise ConfigurationError(f"{error}. The log has more.") from None
    try:
        yield
    finally:
        runner.run(lifespan.shutdown())
