"""What is looked at, and what is found: data only.

The ids are stable. One that is no longer needed is not given to something else.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from flasgo.auth.registry import Wanted
from flasgo.plan.model import Route
from flasgo.settings import Settings

Severity: TypeAlias = Literal["error", "warning", "info"]
"""error: do not serve it like this · warning: wrong unless you meant it · info: worth knowing."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""The worst first."""


class Finding(Struct, frozen=True):
    """One thing that is wrong, what it leads to, and the cure. `where`: the routes, files or lines that it is about."""

    id: str
    severity: Severity
    message: str
    hint: str
    where: tuple[str, ...] = ()


class Judged(Struct, frozen=True):
    """A route, and what it asks for in the end. `checked`: CSRF is checked here; `ambient`: browsers may prove by themselves who asks."""

    route: Route
    wanted: Wanted | None
    checked: bool
    ambient: bool

    def __str__(self) -> str:
        return f"{','.join(sorted(self.route.methods))} {self.route.path}"


class Start(Struct, frozen=True):
    """A line of a file that starts a server, in words: `uvicorn app:app --workers 4`."""

    place: str
    server: str
    words: tuple[str, ...]

    def value_of(self, option: str) -> str | None:
        """The value of `--option value` or `--option=value`; empty for an option without one, None where it is not there."""
        for number, word in enumerate(self.words):
            name, equals, value = word.partition("=")
            if name == option:
                return value if equals else next(iter(self.words[number + 1 :]), "")
        return None


class Facts(Struct, frozen=True):
    """Everything that a check may look at.

    `folders`: the static folders, by their paths on disk. `autoescape`: that of the templates, None without any. `workers`: how many processes will serve, None where
    nobody has said. `environment`: the variables that servers read. `starts`: how files beside the application start it.
    """

    settings: Settings
    routes: Sequence[Judged] = ()
    folders: Sequence[str] = ()
    autoescape: object = None
    workers: int | None = None
    environment: Sequence[str] = ()
    starts: Sequence[Start] = ()
    hardened: bool = True
