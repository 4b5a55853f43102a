"""A permission asked for by a handler, for the object in its hands."""

from collections.abc import Awaitable, Generator

from flasgo.auth.denial import deny
from flasgo.auth.permissions import ask
from flasgo.context import current_request
from flasgo.events import SecurityLog
from flasgo.plan.access import AnyPermission
from flasgo.request import Request


class Done:
    """What there is nothing to wait for."""

    def __await__(self) -> Generator[None]:
        return
        yield


DONE = Done()


def check_permission(permission: AnyPermission) -> Awaitable[None]:
    """Go on only if the current user has this permission: `await check_permission(Owns(book))`.

    A plain permission is asked at once, so a plain handler calls it without `await`; it may block only there. A coroutine
    function needs the `await`.

    Raises Unauthorized for a stranger and Forbidden for a user who does not have it; RuntimeError outside a request.
    """
    request = current_request("check_permission()")
    verdict = ask(permission, request, request.user)
    if isinstance(verdict, Awaitable):
        return _awaited(request, verdict)
    _judge(request, allowed=bool(verdict))
    return DONE


async def _awaited(request: Request, verdict: Awaitable[bool]) -> None:
    _judge(request, allowed=bool(await verdict))


def _judge(request: Request, *, allowed: bool) -> None:
    if not allowed:
        deny(request, log=SecurityLog(enabled=request.app.settings.LOG_SECURITY_EVENTS))
