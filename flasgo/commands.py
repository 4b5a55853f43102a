"""Commands of an application, as data: click, which runs them, is loaded by the command line alone."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, TypeVar, Union

from msgspec import Struct

from flasgo.errors import RegistrationError

F = TypeVar("F", bound=Callable[..., object])

Command = Callable[..., object]
"""A plain function, a coroutine function, or a click.Command."""


class Asking(Struct, frozen=True):
    """A command that runs inside the application's lifespan."""

    command: Command


Entry: TypeAlias = Union[Command, Asking, "Commands"]


class Commands(Mapping[str, Entry]):
    """The commands of `flasgo cmd TARGET NAME`, by name; those of a blueprint are Commands in here, under its name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Entry] = {}

    def __getitem__(self, name: str, /) -> Entry:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def command(self, name: str | None = None, *, lifespan: bool = False) -> Callable[[F], F]:
        """Make the decorated function a command; its name is the function's, with hyphens, unless another is given.

        click's decorators, below this one, give it arguments and options; its docstring is its help. A coroutine function runs on an event loop of
        its own. Inside, `current_app` is the application; there is no request. With `lifespan` the application's lifespan is open while it runs,
        and so it is for a function that takes values of the application's lifetime: `Annotated[Database, Depends(opened, scope="app")]`.

        Raises RegistrationError for a name that is taken.
        """

        def register(function: F) -> F:
            self.add_command(function, name, lifespan=lifespan)
            return function

        return register

    def add_command(self, command: Command, name: str | None = None, *, lifespan: bool = False) -> None:
        """`command`, as a call; a click.Command, or a group of them, is taken as it is."""
        own: object = getattr(command, "name", None) or getattr(command, "__name__", "").replace("_", "-")
        name = name or str(own)
        if not name or name.startswith("-") or not name.isprintable() or " " in name:
            raise RegistrationError(f"{name!r} cannot be typed as the name of a command; pass another, as 'init-db'.")
        self.check_name(name)
        self._by_name[name] = Asking(command) if lifespan else command

    def add_group(self, name: str, commands: "Commands") -> None:
        """Take the commands of a blueprint, under its name."""
        self.check_name(name)
        self._by_name[name] = commands

    def check_name(self, name: str) -> None:
        """Raise RegistrationError for a name that is taken."""
        if name in self._by_name:
            raise RegistrationError(f"There is a command {name!r} already; give one of them another name.")
