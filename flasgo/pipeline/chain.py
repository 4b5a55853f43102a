"""Parts → one coroutine function for each route, with nothing in it that the route does not need.

The function is generated source, compiled once for each distinct text and kept where tracebacks find it. For a route
with one gate, an async handler and one finisher it reads:

    async def handle(request):
        try:
            step0(request)
            response = render(await handler())
        except Exception as error:
            response = await answer(request, error)
        finish0(request, response)
        return response
"""

import itertools
import linecache
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import lru_cache
from types import CodeType
from typing import cast

from msgspec import Struct

from flasgo.pipeline.stage import AskStep, Finisher, GateStep, Handle, Step, Work, WorkStep
from flasgo.pipeline.threads import ThreadPool
from flasgo.request import Request
from flasgo.response import Response


class Ending(Struct, frozen=True):
    """How a handler is reached: `lines` of code that set `response`, using `names`; or `work` for a thread, whose answer may still
    have to be awaited, for which `lines` follow.
    """

    lines: tuple[str, ...]
    names: dict[str, object]
    work: Work | None = None


class Net(Struct, frozen=True):
    """`answer` turns an exception into a response; `after`, if any, sees every response."""

    answer: Callable[[Request, Exception], Awaitable[Response]]
    after: Callable[[Request, Response], Awaitable[Response]] | None = None


def compile_handle(
    steps: Sequence[Step], ending: Ending, net: Net, finishers: Sequence[Finisher], pool: ThreadPool
) -> Handle:
    """Compose a route's handle. Errors of the steps and the handler are answered; finishers see every response."""
    names: dict[str, object] = {**ending.names, "answer": net.answer, "run": pool.run}
    body = list(_inner(steps, ending, names))
    lines = ["try:", *_indented(body), "except Exception as error:", "    response = await answer(request, error)"]
    if net.after is not None:
        names["after"] = net.after
        lines.append("response = await after(request, response)")
    for number, finisher in enumerate(finishers):
        names[f"finish{number}"] = finisher
        lines.append(f"finish{number}(request, response)")
    lines.append("return response")
    return cast("Handle", generate("async def handle(request):", lines, names))


def _inner(steps: Sequence[Step], ending: Ending, names: dict[str, object]) -> Iterator[str]:
    """The lines inside the net. Each early answer nests what follows it one level deeper."""
    depth = 0
    groups = [(kind, list(group)) for kind, group in itertools.groupby(steps, type)]
    if ending.work is not None:
        if groups and groups[-1][0] is WorkStep:
            groups[-1][1].append(WorkStep(ending.work))
        else:
            groups.append((WorkStep, [WorkStep(ending.work)]))
    count = 0
    for kind, group in groups:
        works = [step.call for step in group if isinstance(step, WorkStep)]
        calls: list[object] = [_in_one_hop(works)] if works else [step.call for step in group]
        for call in calls:
            name = f"step{count}"
            count += 1
            names[name] = call
            if kind is GateStep:
                yield "    " * depth + f"{name}(request)"
            else:
                ask = f"await {name}(request)" if kind is AskStep else f"await run({name}, request)"
                yield "    " * depth + f"response = {ask}"
                if not (ending.work is not None and group is groups[-1][1]):
                    yield "    " * depth + "if response is None:"
                    depth += 1
    yield from ("    " * depth + line for line in ending.lines)


def _in_one_hop(works: Sequence[Work]) -> Work:
    """Several calls as one: the first answer ends it."""
    if len(works) == 1:
        return works[0]

    def all_of_them(request: Request) -> Response | None:
        for work in works:
            response = work(request)
            if response is not None:
                return response
        return None

    return all_of_them


def generate(head: str, lines: Sequence[str], names: dict[str, object]) -> Callable[..., object]:
    """The function with this head and these lines, in which `names` mean what they say."""
    parameters = ", ".join(names)
    name = head.removeprefix("async ").removeprefix("def ").partition("(")[0]
    source = "\n".join([f"def make({parameters}):", *_indented([head, *_indented(lines), f"return {name}"])]) + "\n"
    namespace: dict[str, Callable[..., Callable[..., object]]] = {}
    exec(_compiled(source), namespace)  # noqa: S102 - source of our own making: only names of parameters vary
    return namespace["make"](**names)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


_numbers = itertools.count(1)


@lru_cache(maxsize=4096)
def _compiled(source: str) -> CodeType:
    filename = f"<flasgo handle {next(_numbers)}>"
    # An entry without a time of change stays (linecache.checkcache), so that tracebacks show the generated lines.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return compile(source, filename, "exec")
