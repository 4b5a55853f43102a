"""What is owed to a request once its response is sent, or cannot be: in this order, whatever fails on the way."""

from flasgo.pipeline.background import run_background
from flasgo.pipeline.hooks import Teardown
from flasgo.pipeline.threads import ThreadPool
from flasgo.pipeline.unwinding import settle
from flasgo.request import Request


async def close(request: Request, teardown: Teardown | None, pool: ThreadPool) -> None:
    """Run its tasks, end its providers, run its teardown hooks, remove its uploaded files."""
    try:
        if request.tasks is not None and request.failure is None:
            await run_background(request, request.tasks, pool)
    finally:
        try:
            if request.owed is not None:
                await settle(request)
        finally:
            try:
                if teardown is not None:
                    await teardown(request.failure)
            finally:
                # Its traceback holds the request: together they would wait for the garbage collector.
                request.failure = None
                if request.opened_form is not None:
                    await request.opened_form.aclose()
