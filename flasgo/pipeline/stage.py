"""What a stage is: a feature's part of every request, compiled for each route.

A stage looks at a Route and answers with the Part that it needs there, or None. Parts come in the cheapest shape that
will do, and chain.py composes them into straight-line code:

    gate       sync, on the loop: looks at the Request, raises or lets pass; one that `waits` may give an awaitable, of which
               `then` takes what it gives
    ask        async: may answer early
    work       sync code of the user's, run in a thread: may answer early; neighbours share one hop
    commit     sync, on the loop, after the handler has answered: may still raise, and is then answered like any error;
               where `commit_waits`, it may give an awaitable
    finisher   sync, on the loop: completes every Response
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct

from flasgo.errors import HTTPException
from flasgo.plan.documents import Secured
from flasgo.plan.model import Route
from flasgo.request import Request
from flasgo.response import Plain, Response

Handle: TypeAlias = Callable[[Request], Awaitable[Response | Plain]]
Gate: TypeAlias = Callable[[Request], Awaitable[object] | None]
Then: TypeAlias = Callable[[Request, Any], None]  # of whatever type its gate's awaitable gives
Ask: TypeAlias = Callable[[Request], Awaitable[Response | None]]
Work: TypeAlias = Callable[[Request], Response | None]
Commit: TypeAlias = Callable[[Request, Response], Awaitable[None] | None]
Finisher: TypeAlias = Callable[[Request, Response], None]


class Part(Struct, frozen=True):
    """A stage's part in one route; `steps` run in their order before the handler, `commit` and `finisher` after it.

    `when` is the source of an expression: where it is false, commit and finisher are not called. `fields` is that of one, too:
    of the header fields that are all that the finisher, which has no `when` then, adds to a response to which nobody has written a
    header, and which is in no public cache. Such a response it is not shown. That costs an idle feature less than a call. Both
    expressions may use `request`, `scope`, `fields` (the request's) and `names`, which differ from those of other stages.
    """

    steps: tuple["Step", ...] = ()
    commit: Commit | None = None
    finisher: Finisher | None = None
    when: str | None = None
    commit_waits: bool = False
    fields: str | None = None
    names: Mapping[str, object] = MappingProxyType({})

    def __post_init__(self) -> None:
        if self.fields is not None and (self.finisher is None or self.commit is not None or self.when is not None):
            raise ValueError("The fields of a Part are those of a finisher that stands alone and has no `when`.")


class GateStep(Struct, frozen=True, tag=True):
    """With `when`, as in Part, the gate is called only where that expression is true. `then` takes what its awaitable gives."""

    call: Gate
    waits: bool = False
    when: str | None = None
    then: Then | None = None


class AskStep(Struct, frozen=True, tag=True):
    call: Ask


class WorkStep(Struct, frozen=True, tag=True):
    call: Work


Step: TypeAlias = GateStep | AskStep | WorkStep


class Stage(Protocol):
    """A feature's part of every request."""

    def compile(self, route: Route | None, /) -> Part | None:
        """The part in this route; None is the route of requests that match none."""
        ...

    def rejections(self, route: Route | None, /) -> tuple[type[HTTPException], ...]:
        """The errors that this stage itself may answer there: read by OpenAPI and by `flasgo routes`."""
        ...


@runtime_checkable
class Securing(Protocol):
    """What a stage that asks who the client is has besides: the document says it of the route."""

    def secured(self, route: Route, /) -> Secured | None:
        """The schemes and scopes that this route needs; None where it needs none."""
        ...
