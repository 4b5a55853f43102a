"""What the dashboard is about, as types: they read the query, check the forms, and carry what the database gives."""

import enum
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from flasgo import User


class Severity(enum.Enum):
    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Status(enum.Enum):
    OPEN = "open"
    WATCHING = "watching"
    RESOLVED = "resolved"


class Person(User, frozen=True, kw_only=True):
    """Somebody of the team; who has the scope `edit` may change incidents."""

    is_authenticated: bool = True
    name: str
    password_hash: str

    @property
    def may_edit(self) -> bool:
        return "edit" in self.scopes


class Service(Struct, frozen=True):
    id: int
    name: str
    team: str


class Incident(Struct, frozen=True):
    """An incident as it is shown; `service` is the name."""

    id: int
    service_id: int
    service: str
    title: str
    severity: Severity
    status: Status
    owner: str
    note: str
    opened: datetime
    resolved: datetime | None


class Event(Struct, frozen=True):
    """What happened to an incident."""

    at: datetime
    who: str
    what: str


class Hour(Struct, frozen=True):
    """What was measured in one hour, of one service or of all together; `latency` in milliseconds, of the slowest 5 %."""

    at: datetime
    requests: int
    errors: int
    latency: float


Order = Literal["opened", "title", "service", "severity", "status"]


class View(Struct, frozen=True):
    """Which incidents are shown, and how: each field is a parameter of the query, checked like any other."""

    status: Literal["any", "unresolved", "open", "watching", "resolved"] = "unresolved"
    severity: Literal["any", "critical", "major", "minor"] = "any"
    service: Annotated[int, Meta(ge=0)] = 0
    q: Annotated[str, Meta(max_length=60)] = ""
    sort: Order = "opened"
    descending: bool = True
    page: Annotated[int, Meta(ge=1, le=10_000)] = 1

    def query(self, **changes: object) -> dict[str, object]:
        """The parameters of a link to this view with changes; what is as usual is left out."""
        changed = replace(self, **({"page": 1} | changes))
        usual = asdict(View())
        return {name: value for name, value in asdict(changed).items() if value != usual[name]}

    def sorted_by(self, column: Order) -> dict[str, object]:
        """The parameters of a link that sorts by a column, or turns its order round."""
        return self.query(sort=column, descending=not self.descending if column == self.sort else column == "opened")


class Change(Struct, frozen=True):
    """The form of an incident."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    service: Annotated[int, Meta(ge=1)]
    severity: Severity
    status: Status
    owner: Annotated[str, Meta(max_length=40)] = ""
    note: Annotated[str, Meta(max_length=4000)] = ""


class Login(Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=40)]
    password: Annotated[str, Meta(min_length=1, max_length=1024)]
