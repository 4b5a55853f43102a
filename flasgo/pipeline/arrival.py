"""Bodies are waited for on the event loop: a client that sends a byte a second holds no thread of the pool (CWE-400).

A plain handler may ask for the body in its thread, `request.form["x"]`, and would wait there for the client. So its body is taken in
before: in memory as far as it may be had as bytes, and a larger form as the form that it is, whose files are spooled. What is wrong
with it is told to whoever asks for it, as ever.
"""

from collections.abc import Awaitable, Sequence

from flasgo.errors import HTTPException
from flasgo.http.asgi import Incoming, too_large
from flasgo.http.forms import MULTIPART
from flasgo.http.media import essence
from flasgo.pipeline.hooks import Hook
from flasgo.pipeline.stage import GateStep, Part
from flasgo.plan.model import SAFE_METHODS, Route
from flasgo.request import Request


class Arrival:
    """The stage that waits for the bodies of plain handlers: before those of `hooks` that are plain, or right before the handler."""

    def __init__(self, hooks: Sequence[Hook], *, first: bool) -> None:
        self._here = first is any(hook.call == "sync" for hook in hooks)
        self._first = first

    def compile(self, route: Route | None, /) -> Part | None:
        if (
            not self._here
            or route is None
            or route.methods <= SAFE_METHODS
            or route.plan.call != "sync"
            or not route.threaded
        ):
            return None
        if not self._first and (route.plan.body is not None or route.plan.takes_form):
            return None  # it is awaited where it is bound
        return WAITING

    @staticmethod
    def rejections(_route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return ()


def gate(request: Request) -> Awaitable[None] | None:
    """Take the body, or say what to await for it. Raises ClientDisconnected."""
    multipart = essence(request.fields.get(b"content-type", b"")) == MULTIPART
    limit = request.terms.form_limits.max_multipart_bytes if multipart else None
    try:
        request.body_ready(limit, encoded=True)
    except HTTPException as error:
        if request.incoming is not None:  # else it is found again by whoever reads
            request.incoming.refuse(error)
        return None
    incoming = request.incoming
    return None if incoming is None or incoming.taken else _taken_in(request, incoming, multipart=multipart)


async def _taken_in(request: Request, incoming: Incoming, *, multipart: bool) -> None:
    most = request.terms.max_body_bytes
    try:
        if not await incoming.keep(most) and multipart:
            await request.read_form()
            raise too_large(most)  # as bytes
    except HTTPException as error:
        incoming.refuse(error)


WAITING = Part((GateStep(gate, waits=True),))
