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
from flasgo.response import Response

Handle: TypeAlias = Callable[[Request], Awaitable[Response]]
Gate: TypeAlias = Callable[[Request], Awaitable[object] | None]
Then: TypeAlias = Callable[[Request, Any], None]  # of whatever type its gate's awaitable gives
Ask: TypeAlias = Callable[[Request], Awaitable[Response | None]]
Work: TypeAlias = Callable[[Request], Response | None]
Commit: TypeAlias = Callable[[Request, Response], Awaitable[None] | None]
Finisher: TypeAlias = Callable[[Request, Response], None]


class Part(Struct, frozen=True):
    """A stage's part in one route; `steps` run in their order before the handler, `commit` and `finisher` after it.

    `when` is the source of an expression: where it is false, commit and finisher are not called, and the statement
    `otherwise`, if any, does all there is to do. That costs an idle feature less than a call. Both may use `request`, `scope`,
    `fields` and `names` (which differ from those of other stages); `otherwise` also `response`.
    """

    steps: tuple["Step", ...] = ()
    commit: Commit | None = None
    finisher: Finisher | None = None
    when: str | None = None
    commit_waits: bool = False
    otherwise: str | None = None
    names: Mapping[str, object] = MappingProxyType({})


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
