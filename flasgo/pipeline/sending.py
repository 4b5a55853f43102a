"""Responses that are more than bytes in memory, and what is done when they cannot be sent."""

from collections.abc import Callable

from flasgo.errors import ClientDisconnected
from flasgo.events import log_failure
from flasgo.http.asgi import PATHSEND, Delivery, Send, Watched, lingering
from flasgo.pipeline.errors import ErrorNet
from flasgo.pipeline.threads import ThreadPool
from flasgo.request import Request
from flasgo.response import NO_FIELDS, Response

CONTENT_TOO_LARGE = 413


async def send_response(
    request: Request,
    response: Response,
    send: Send,
    *,
    net: ErrorNet,
    finish: Callable[[Request, Response], None],
    pool: ThreadPool,
) -> None:
    """Send what is not just bytes. A failure before the first event is answered; after it, the connection is left to break off."""
    method = request.method
    watched = Watched(send)
    out: Send = watched
    if response.status_code == CONTENT_TOO_LARGE and request.incoming is not None:  # more of it comes
        out = lingering(watched, request.incoming)
    # Conditions and ranges are for reading (RFC 9110 §13.1, §14.2).
    fields = request.fields if method in {"GET", "HEAD"} else NO_FIELDS
    for rescue in (net.answer, net.last_answer):
        try:
            if type(response) is not Response:
                response.delivery = _delivery(request, pool)
            await response.send(out, fields=fields, head_only=method == "HEAD")
        except ClientDisconnected:
            raise
        except Exception as error:
            if watched.started:
                log_failure("response-broken-off", error, request)
                raise
            response = await rescue(request, error)
            finish(request, response)
        else:
            return
    await response.send(out, head_only=method == "HEAD")


def _delivery(request: Request, pool: ThreadPool) -> Delivery:
    return Delivery(
        run=pool.run_surely,
        receive=request.receive if request.is_received() else None,
        pathsend=PATHSEND in request.scope.get("extensions", ()),
    )
