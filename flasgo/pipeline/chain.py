"""Parts → one coroutine function for each route, with nothing in it that the route does not need.

The function is generated source, compiled once for each distinct text and kept where tracebacks find it. For a route
with one gate, an async handler and one finisher it reads:

    async def handle(request):
        scope, fields = request.scope, request.fields
        try:
            if b"host" not in fields or fields[b"host"] not in known_hosts: step0(request)
            response = render(await handler())
        except Exception as error:
            response = await answer(request, error)
        finish0(request, response)
        return response.as_plain()
"""

import itertools
import linecache
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from msgspec import Struct

from flasgo.binding.render import Quiet, Usual
from flasgo.pipeline.hooks import call_afterwards
from flasgo.pipeline.stage import AskStep, GateStep, Handle, Part, Step, Work, WorkStep
from flasgo.pipeline.threads import ThreadPool
from flasgo.request import Request
from flasgo.response import Response

Maker: TypeAlias = Callable[..., Callable[..., Any]]  # what a function of generated source gives, nobody can say

NO_NAMES: Mapping[str, object] = MappingProxyType({})

MAX_SHAPES = 256
"""How many shapes of handles are kept."""


class Ending(Struct, frozen=True):
    """How a handler is reached: `lines` of code that set `response`, using `names`; or that set `value`, of which `usual` makes
    an answer; or `work` for a thread, whose answer may still have to be awaited, for which `lines` follow.
    """

    lines: tuple[str, ...]
    names: dict[str, object]
    usual: Usual | None = None
    work: Work | None = None

    @property
    def common(self) -> Mapping[str, object]:
        """What `usual` has in common with those of other routes."""
        return NO_NAMES if self.usual is None else self.usual.common


AWAIT_LATE = ('if hasattr(response, "__await__"):', "    response = render(await response)")
"""A plain function may return an awaitable, made in the thread; it is awaited on the loop."""


class Net(Struct, frozen=True):
    """`answer` turns an exception into a response; `after`, if any, sees every response."""

    answer: Callable[[Request, Exception], Awaitable[Response]]
    after: Callable[[Request, Response], Awaitable[Response]] | None = None


class Composer:
    """Composes the handles of routes that have the same net and pool.

    Many routes differ in nothing but their handlers: what was composed is kept for the next of the same shape.
    """

    def __init__(self, net: Net, pool: ThreadPool) -> None:
        self.net = net
        self.pool = pool
        self._known: dict[tuple[object, ...], tuple[tuple[object, ...], Maker]] = {}

    def compose(self, parts: Sequence[Part], ending: Ending) -> Handle:
        """Compose a route's handle from its stages' parts, outermost first.

        Errors of steps, handler and commits are answered; finishers, innermost first, see every response.
        """
        if ending.work is not None:  # part of a hop, which is made for it
            return generate(HEAD, *_written(parts, ending, self.net, self.pool))
        kept = (*parts, *ending.common.values())  # so that their identities stand for them
        shape = (*map(id, kept), ending.lines, *ending.names, ending.usual and (ending.usual.test, ending.usual.status))
        if shape in self._known:
            _, make = self._known[shape]
        else:
            lines, names = _written(parts, ending, self.net, self.pool)
            common = {name: value for name, value in names.items() if name not in ending.names}
            make = maker_of(HEAD, lines, common, tuple(ending.names))(**common)
            if len(self._known) < MAX_SHAPES:
                self._known[shape] = kept, make
        handle: Handle = make(**ending.names)
        return handle


def _written(parts: Sequence[Part], ending: Ending, net: Net, pool: ThreadPool) -> tuple[list[str], dict[str, object]]:
    """The lines of a handle, and the names that they use."""
    names: dict[str, object] = {**ending.names, **ending.common, "answer": net.answer, "run": pool.run}
    for part in parts:
        if any(names.get(name, value) is not value for name, value in part.names.items()):
            raise ValueError(f"Two stages mean different things by one of these names: {', '.join(part.names)}.")
        names |= part.names
    last = ending.lines if ending.usual is None else (*ending.lines, *ending.usual.lines(_quiet(parts, net)))
    body = list(_inner([step for part in parts for step in part.steps], last, ending.work, names))
    names["afterwards"] = call_afterwards
    lines: list[str] = [
        "scope, fields = request.scope, request.fields",
        "try:",
        *indented(body),
        *ON_ERROR,
        *AFTERWARDS,
    ]
    if net.after is not None:
        names["after"] = net.after
        lines.append("response = await after(request, response)")
    for number, part in enumerate(reversed(parts)):
        if part.commit is not None:
            names[f"commit{number}"] = part.commit
            lines += _when(part, ["try:", *indented(_commit(f"commit{number}", waits=part.commit_waits)), *ON_ERROR])
    for number, part in enumerate(reversed(parts)):
        if part.finisher is not None:
            names[f"finish{number}"] = part.finisher
            lines += _when(part, _finish(f"finish{number}(request, response)", part.fields))
    lines.append("return response.as_plain()")
    return lines, names


HEAD = "async def handle(request):"

ON_ERROR = ("except Exception as error:", "    response = await answer(request, error)")

AFTERWARDS = (
    "if request.afterwards is not None:",
    "    response = await afterwards(request, response, answer)",
)


def _quiet(parts: Sequence[Part], net: Net) -> Quiet | None:
    """When an answer to which nobody has written needs no stage but for fields; None where one wants to see them all."""
    whens, fields = ["request.afterwards is None"], []
    for part in reversed(parts):
        if part.commit is not None or (part.finisher is not None and part.fields is None):
            if part.when is None:
                return None
            whens.append(f"not ({part.when})")
        elif part.fields is not None:
            fields.append(f", *({part.fields})")
    return None if net.after is not None else Quiet(" and ".join(whens), "".join(fields))


def _finish(call: str, fields: str | None) -> list[str]:
    if fields is None:
        return [call]
    return [
        "if response.written is not None or response.allow_public_cache:",
        f"    {call}",
        "else:",
        f"    response.raw += {fields}",
    ]


def _commit(name: str, *, waits: bool) -> tuple[str, ...]:
    call = f"{name}(request, response)"
    return (f"wait = {call}", "if wait is not None:", "    await wait") if waits else (call,)


def _when(part: Part, lines: list[str]) -> list[str]:
    return lines if part.when is None else [f"if {part.when}:", *indented(lines)]


def _inner(steps: Sequence[Step], last: Sequence[str], work: Work | None, names: dict[str, object]) -> Iterator[str]:
    """The lines inside the net. Each early answer nests what follows it one level deeper."""
    indent = ""
    hops = _hops(steps, work)
    for number, step in enumerate(hops):
        name = f"step{number}"
        names[name] = step.call
        if isinstance(step, GateStep) and step.waits:
            taken = "await wait"
            if step.then is not None:
                names[f"then{number}"] = step.then
                taken = f"then{number}(request, await wait)"
            yield from (f"{indent}wait = {name}(request)", f"{indent}if wait is not None:", f"{indent}    {taken}")
        elif isinstance(step, GateStep):
            yield f"{indent}{'' if step.when is None else f'if {step.when}: '}{name}(request)"
        else:
            call = f"{name}(request)" if isinstance(step, AskStep) else f"run({name}, request)"
            yield f"{indent}response = await {call}"
            # A last hop that ends in the handler always answers: only its lines follow.
            if work is None or step is not hops[-1]:
                yield f"{indent}if response is None:"
                indent += "    "
    yield from (indent + line for line in last)


def _hops(steps: Sequence[Step], work: Work | None) -> list[Step]:
    """The steps, with neighbouring work as one hop; the handler's own work, if any, is the last of it."""
    hops: list[Step] = []
    for is_work, group in itertools.groupby(
        (*steps, *([WorkStep(work)] if work else ())), lambda s: isinstance(s, WorkStep)
    ):
        if is_work:
            hops.append(WorkStep(_in_one_hop([step.call for step in group if isinstance(step, WorkStep)])))
        else:
            hops += group
    return hops


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


def generate(head: str, lines: Sequence[str], names: dict[str, object]) -> Callable[..., Any]:  # see Maker
    """The function with this head and these lines, in which `names` mean what they say."""
    return maker_of(head, lines, names)(**names)


def maker_of(head: str, lines: Sequence[str], names: Iterable[str], own: Iterable[str] | None = None) -> Maker:
    """What makes the function with this head and these lines, given what `names` mean.

    With `own` names it makes what makes functions, each of which has another meaning for these: they share all the others.
    """
    name = head.removeprefix("async ").removeprefix("def ").partition("(")[0]
    lines = [head, *indented(lines), f"return {name}"]
    if own is not None:
        lines = [f"def make_one({', '.join(own)}):", *indented(lines), "return make_one"]
    lines = [f"def make({', '.join(names)}):", *indented(lines)]
    return _maker("\n".join(lines) + "\n")


def indented(lines: Sequence[str]) -> list[str]:
    """The lines, one level deeper."""
    return [f"    {line}" for line in lines]


_numbers = itertools.count(1)


@lru_cache(maxsize=4096)
def _maker(source: str) -> Maker:
    """The function that this source defines, `make`: compiled once for each distinct text."""
    filename = f"<flasgo handle {next(_numbers)}>"
    # An entry without a time of change stays (linecache.checkcache), so that tracebacks show the generated lines.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Maker] = {}
    exec(compile(source, filename, "exec"), namespace)  # noqa: S102 - source of our own making: only names of parameters vary
    return namespace["make"]
