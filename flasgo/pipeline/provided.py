"""A handler with dependencies → the lines that call its providers and then it.

Async code runs on the loop, plain functions in a thread; neighbours, the handler included, share one hop. Nothing is
there but what the route needs: the `try` only where some provider has to be ended.

    request.closing = True
    try:
        made0 = call0(query.a0)
        d0 = await made0.__anext__()
        request.owed = (end_async_generator, made0, request.owed)
        def hop():
            d1 = call1(d0)
            value = handler(d0, d1)
            return value if hasattr(value, "__await__") else render(value)
        response = await run(hop)
        …
    except BaseException as error:
        await unwind(request, error)
        raise
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from flasgo.binding.calls import Step
from flasgo.binding.decode import Code
from flasgo.binding.render import Render
from flasgo.pipeline.chain import AWAIT_LATE, Ending, generate, indented
from flasgo.pipeline.threads import ThreadPool
from flasgo.pipeline.unwinding import Unwinding, end_async_context, end_async_generator, unwind
from flasgo.plan.model import Route

Place = Literal["loop", "thread", "any"]

RETURN = 'return value if hasattr(value, "__await__") else render(value)'


def compile_provided(route: Route, code: Code, render: Render, pool: ThreadPool) -> Ending:
    """How a route with dependencies reaches its handler."""
    threaded = route.threaded
    unwinding = Unwinding(pool)
    names: dict[str, object] = {
        **code.names,
        "handler": route.endpoint,
        "render": render,
        "unwind": unwind,
        "end_async_generator": end_async_generator,
        "end_async_context": end_async_context,
        "end_generator": unwinding.generator,
        "end_context": unwinding.context,
    }
    in_thread = route.plan.call == "sync" and threaded
    ended = any(step.form != "value" for step in code.steps)
    if in_thread and not code.waits and not ended and all(_place(s, threaded=threaded) != "loop" for s in code.steps):
        calls = [line for step in code.steps for line in _lines(step)]
        lines = [*code.lines, *calls, f"value = handler({code.arguments})", RETURN]
        return Ending(AWAIT_LATE, {"render": render}, work=generate("def work(request):", lines, names))
    lines = list(_hops(code, route, in_thread=in_thread))
    if ended:
        failed = ("except BaseException as error:", "    await unwind(request, error)", "    raise")
        lines = ["request.closing = True", "try:", *indented(lines), *failed]
    return Ending((*code.lines, *lines), names)


def _hops(code: Code, route: Route, *, in_thread: bool) -> Iterator[str]:
    """The steps in their order, those for a thread gathered into hops, and the handler at the end of the last."""
    waiting: list[Step] = []
    for step in code.steps:
        place = _place(step, threaded=route.threaded)
        if place == "thread" or (place == "any" and waiting):
            waiting.append(step)
            continue
        yield from _hop(waiting)
        waiting = []
        yield from _lines(step)
    call = f"handler({code.arguments})"
    if in_thread:
        lines = [line for step in waiting for line in _lines(step)]
        yield from (
            "def hop():",
            *indented([*lines, f"value = {call}", RETURN]),
            "response = await run(hop)",
            *AWAIT_LATE,
        )
        return
    yield from _hop(waiting)
    if route.plan.call == "async":
        yield f"response = render(await {call})"
    else:
        yield f"value = {call}"
        yield 'response = render(await value if hasattr(value, "__await__") else value)'


def _hop(steps: Sequence[Step]) -> Iterator[str]:
    if steps:
        targets = ", ".join(step.target for step in steps)
        lines = [line for step in steps for line in _lines(step)]
        yield from ("def hop():", *indented([*lines, f"return {targets}"]), f"{targets} = await run(hop)")


def _place(step: Step, *, threaded: bool) -> Place:
    if step.where == "thread":
        return "thread" if threaded else "loop"
    return "any" if step.where == "inline" and step.form == "value" else "loop"


def _lines(step: Step) -> Iterator[str]:
    """The lines that set the step's target."""
    target, made = step.target, f"made{step.target[1:]}"
    if step.where == "app":
        yield f"{target} = {step.call}.value if {step.call}.made else await {step.call}.make()"
        return
    call = f"await {step.call}" if step.where == "await" else step.call
    variable = target if step.form == "value" else made
    yield f"{variable} = {call}"
    if step.where == "either":
        yield f'if hasattr({variable}, "__await__"):'
        yield f"    {variable} = await {variable}"
    if step.form == "value":
        return
    asynchronous = "async_" if step.on_loop else ""
    if step.form == "generator":
        yield f"{target} = await {made}.__anext__()" if step.on_loop else f"{target} = next({made})"
    else:
        yield f"{target} = await {made}.__aenter__()" if step.on_loop else f"{target} = {made}.__enter__()"
    yield f"request.owed = (end_{asynchronous}{step.form}, {made}, request.owed)"
