"""What handlers left to be done after their answers were sent."""

from collections.abc import Awaitable

from flasgo.background import BackgroundTasks
from flasgo.events import log_failure
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.signature import call_of, source_of
from flasgo.request import Request


async def run_background(request: Request, tasks: BackgroundTasks, pool: ThreadPool) -> None:
    """Run the tasks in their order; a failing one is logged and the others still run. A cancellation ends it: the rest is logged."""
    for task in tasks.take():
        try:
            if call_of(task.function) == "sync":
                value = await pool.run_surely(task.function, *task.args, **task.kwargs)
            else:
                value = task.function(*task.args, **task.kwargs)
            if isinstance(value, Awaitable):
                await value
        except Exception as failure:  # noqa: BLE001 - the others still run
            log_failure("background-failed", failure, request, task=source_of(task.function))
        except BaseException as interruption:
            lost = len(tasks)
            log_failure("background-interrupted", interruption, request, task=source_of(task.function), left_out=lost)
            raise
