"""The innermost part of a route: bind the arguments, call the handler, render what it returns."""

from functools import partial

from flasgo.binding.decode import Code
from flasgo.binding.render import compile_answer, usual_answer
from flasgo.pipeline.chain import AWAIT_LATE, Ending, generate
from flasgo.pipeline.provided import compile_provided
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.model import Route


def compile_ending(route: Route, code: Code, pool: ThreadPool, *, verify: bool) -> Ending:
    """How this route reaches its handler.

    Async handlers run on the loop, plain ones in a thread unless the route says `threaded=False`. Arguments are bound
    in that thread too, so that nothing but one hop is paid, except when the body has to be awaited first. With `verify` the
    answers are checked (see `compile_render`).
    """
    render = compile_answer(route, verify=verify)
    if code.steps:
        return compile_provided(route, code, render, pool)
    names: dict[str, object] = {**code.names, "handler": route.endpoint, "render": render}
    call = f"handler({code.arguments})"
    if route.plan.call == "async":
        usual = usual_answer(route, verify=verify)
        if usual is None:
            return Ending((*code.lines, f"response = render(await {call})"), names)
        return Ending((*code.lines, f"value = await {call}"), {**names, **usual.names}, usual)
    if route.plan.call == "either" or not route.threaded:
        lines = (f"value = {call}", 'response = render(await value if hasattr(value, "__await__") else value)')
        return Ending((*code.lines, *lines), names)
    if code.waits:
        names["partial"] = partial
        arguments = f", {code.arguments}" if code.arguments else ""
        lines = (
            f"value = await run(partial(handler{arguments}))",
            "response = render(await value if hasattr(value, '__await__') else value)",
        )
        return Ending((*code.lines, *lines), names)
    work = generate(
        "def work(request):",
        [*code.lines, f"value = {call}", 'return value if hasattr(value, "__await__") else render(value)'],
        names,
    )
    return Ending(AWAIT_LATE, {"render": render}, work=work)
