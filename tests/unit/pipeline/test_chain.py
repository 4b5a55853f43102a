import asyncio
import linecache
import traceback
from typing import Any

import pytest

from flasgo.binding.render import Usual
from flasgo.http.asgi import Scope
from flasgo.pipeline import chain
from flasgo.pipeline.chain import Composer, Ending, Net, generate
from flasgo.pipeline.stage import AskStep, GateStep, Handle, Part, WorkStep
from flasgo.pipeline.threads import ThreadPool
from flasgo.request import Request
from flasgo.response import Response

TEXTS = Ending(("response = text('handler')",), {"text": Response})


def request() -> Request:
    async def receive() -> Any:
        raise AssertionError

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    return Request.of(scope, receive)


async def answer(request: Request, error: Exception) -> Response:
    return Response(f"answered {error}")


def compiled(*parts: Part, ending: Ending = TEXTS, after: Any = None) -> Handle:
    return Composer(Net(answer, after), ThreadPool(1)).compose(parts, ending)


async def answered(handle: Handle) -> tuple[dict[bytes, bytes], bytes]:
    answer = await handle(request())
    assert isinstance(answer, tuple)
    return dict(answer[1]), answer[2]


async def body(handle: Handle) -> bytes:
    return (await answered(handle))[1]


class TestComposer:
    async def test_a_handle_of_a_known_shape_calls_its_own_handler(self):
        """Routes that differ in their handlers alone share what was composed."""
        composer = Composer(Net(answer), ThreadPool(1))
        part = Part((GateStep(lambda _: None),), finisher=lambda _, response: response.headers.update({"x-a": "1"}))
        for word in ("one", "other"):
            ending = Ending(("response = text(handler())",), {"text": Response, "handler": lambda word=word: word})
            fields, content = await answered(composer.compose([part], ending))
            assert (content, fields[b"x-a"]) == (word.encode(), b"1")
        assert len(composer._known) == 1

    async def test_another_part_is_another_shape(self):
        composer = Composer(Net(answer), ThreadPool(1))
        for word in ("one", "other"):
            part = Part(finisher=lambda _, response, word=word: response.headers.update({"x-a": word}))
            fields, _ = await answered(composer.compose([part], TEXTS))
            assert fields[b"x-a"] == word.encode()

    async def test_shapes_are_kept_to_an_end(self, monkeypatch):
        monkeypatch.setattr(chain, "MAX_SHAPES", 1)
        composer = Composer(Net(answer), ThreadPool(1))
        for word in ("one", "other", "one"):
            ending = Ending((f"response = text({word!r})",), {"text": Response})
            assert await body(composer.compose([], ending)) == word.encode()
        assert len(composer._known) == 1


class Tape:
    """Steps that note when they ran."""

    def __init__(self):
        self.said: list[str] = []

    def gate(self, name: str) -> GateStep:
        return GateStep(lambda request: self.said.append(name))

    def waiting_gate(self, name: str, *, waits: bool = True) -> GateStep:
        async def wait() -> None:
            await asyncio.sleep(0)
            self.said.append(f"{name} waited")

        def gate(request: Request) -> Any:
            self.said.append(name)
            return wait() if waits else None

        return GateStep(gate, waits=True)

    def ask(self, name: str, answers: str | None = None) -> AskStep:
        async def ask(request: Request) -> Response | None:
            self.said.append(name)
            return None if answers is None else Response(answers)

        return AskStep(ask)

    def work(self, name: str, answers: str | None = None) -> WorkStep:
        def work(request: Request) -> Response | None:
            self.said.append(name)
            return None if answers is None else Response(answers)

        return WorkStep(work)

    def failing(self, message: str) -> GateStep:
        def gate(request: Request) -> None:
            raise ValueError(message)

        return GateStep(gate)

    def finisher(self, name: str) -> Any:
        return lambda request, response: self.said.append(f"{name} {response.body.decode()}")


async def test_a_route_without_stages_is_its_handler():
    assert await body(compiled()) == b"handler"


async def test_steps_run_in_the_order_of_the_stages():
    tape = Tape()
    handle = compiled(
        Part((tape.gate("gate"), tape.ask("ask"))),
        Part((tape.waiting_gate("waiting"), tape.waiting_gate("not waiting", waits=False))),
        Part((tape.work("work"), tape.work("more work"))),
        Part((tape.gate("last"),)),
    )
    assert await body(handle) == b"handler"
    assert tape.said == ["gate", "ask", "waiting", "waiting waited", "not waiting", "work", "more work", "last"]


@pytest.mark.parametrize("place", range(6))
async def test_the_first_answer_ends_the_steps_wherever_it_stands(place):
    tape = Tape()
    made = [tape.ask, tape.work, tape.work, tape.ask, tape.ask, tape.work]
    steps = tuple(make(str(number), "early" if number == place else None) for number, make in enumerate(made))
    assert await body(compiled(Part(steps))) == b"early"
    assert tape.said == [str(number) for number in range(place + 1)]


@pytest.mark.parametrize(
    "before", [(), ("work",), ("ask",), ("work", "work"), ("work", "ask", "work"), ("gate", "work")]
)
async def test_a_handler_that_is_work_joins_the_last_hop(before):
    tape = Tape()
    steps = tuple(getattr(tape, name)(name) for name in before)
    ending = Ending(("response.body += b' after'",), {}, work=lambda request: Response("work handler"))
    assert await body(compiled(Part(steps), ending=ending)) == b"work handler after"
    assert tape.said == list(before)


async def test_an_early_answer_in_the_hop_of_the_handler_skips_it():
    tape = Tape()

    def never(request: Request) -> Response:
        raise AssertionError

    handle = compiled(Part((tape.work("one"), tape.work("two", "early"))), ending=Ending((), {}, work=never))
    assert await body(handle) == b"early"


async def test_errors_of_every_step_are_answered_and_finished():
    tape = Tape()
    handle = compiled(
        Part(finisher=tape.finisher("outer")), Part((tape.failing("no"),), finisher=tape.finisher("inner"))
    )
    assert await body(handle) == b"answered no"
    assert tape.said == ["inner answered no", "outer answered no"]


async def test_after_sees_every_response_before_commits_and_finishers():
    tape = Tape()

    async def after(request: Request, response: Response) -> Response:
        return Response(b"after " + response.body)

    def commit(request: Request, response: Response) -> None:
        tape.said.append(f"commit {response.body.decode()}")

    handle = compiled(Part((tape.failing("no"),), commit=commit, finisher=tape.finisher("finish")), after=after)
    assert await body(handle) == b"after answered no"
    assert tape.said == ["commit after answered no", "finish after answered no"]


async def test_a_failing_commit_is_answered_and_the_finishers_see_that():
    tape = Tape()

    def commit(request: Request, response: Response) -> None:
        raise ValueError("too large")

    handle = compiled(Part(finisher=tape.finisher("outer")), Part(commit=commit))
    assert await body(handle) == b"answered too large"
    assert tape.said == ["outer answered too large"]


async def test_commits_and_finishers_go_from_the_innermost_outwards():
    tape = Tape()

    def part(name: str) -> Part:
        return Part(
            commit=lambda request, response: tape.said.append(f"commit {name}"),
            finisher=lambda request, response: tape.said.append(f"finish {name}"),
        )

    await body(compiled(part("outer"), part("inner")))
    assert tape.said == ["commit inner", "commit outer", "finish inner", "finish outer"]


async def test_what_ends_the_task_is_nobodys_to_answer():
    def gate(request: Request) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await body(compiled(Part((GateStep(gate),))))


def test_stages_that_mean_different_things_by_one_name_are_refused():
    with pytest.raises(ValueError, match="Two stages mean different things by one of these names: limit"):
        compiled(Part(names={"limit": [1]}), Part(names={"limit": [1]}))


def test_equal_sources_are_compiled_once():
    first: Any = generate("def f(x):", ["return x + y"], {"y": 1})
    second: Any = generate("def f(x):", ["return x + y"], {"y": 2})
    assert first.__code__ is second.__code__
    assert (first(1), second(1)) == (2, 3)


def test_tracebacks_show_the_generated_lines():
    fail: Any = generate("def fail():", ["values = []", "return values[0]"], {})
    linecache.checkcache()
    with pytest.raises(IndexError) as caught:
        fail()
    shown = "".join(traceback.format_exception(caught.value))
    assert "return values[0]" in shown
    assert "<flasgo handle " in shown


# ── plain answers ───────────────────────────────────────────────────────────────────────────────────────────────────


NAMES = {
    "new": object.__new__,
    "Response": Response,
    "content_type": (b"content-type", b"text/plain"),
}
TYPED = Ending(
    ("value = handler()",),
    {"handler": lambda: "text", "render": Response},
    Usual("True", "value.encode()", 201, {}, NAMES),
)

FIELDS: list[tuple[bytes, bytes]] = [(b"x-a", b"1")]


def never(_request: Request, _response: Response) -> None:
    raise AssertionError


def with_fields(seen: list[Response]) -> Part:
    def finish(_request: Request, response: Response) -> None:
        seen.append(response)

    return Part(finisher=finish, fields="added", names={"added": FIELDS})


class TestPlainAnswers:
    async def test_idle_stages_add_their_fields_and_see_nothing(self):
        seen: list[Response] = []
        idle = Part(finisher=never, when="request.nonce is not None")
        committing = Part(commit=never, when="request.opened_session is not None")

        answer = await compiled(with_fields(seen), idle, committing, ending=TYPED)(request())

        assert answer == (201, [(b"content-type", b"text/plain"), *FIELDS], b"text")
        assert seen == []

    @pytest.mark.parametrize("noted", ["nonce", "afterwards"])
    async def test_whoever_has_something_to_say_sees_a_response(self, noted):
        seen: list[Response] = []
        spoken = Part(finisher=lambda _, response: seen.append(response), when="request.nonce is not None")
        asked = request()
        asked.nonce = "nonce" if noted == "nonce" else None
        asked.afterwards = [lambda response: seen.append(response) or response] if noted == "afterwards" else None

        answer = await compiled(with_fields(seen), spoken, ending=TYPED)(asked)

        assert answer == (201, [(b"content-type", b"text/plain"), *FIELDS], b"text")
        assert len(seen) == 1

    @pytest.mark.parametrize("part", ["finisher", "commit"])
    async def test_a_stage_that_is_never_idle_sees_every_response(self, part):
        seen: list[Response] = []

        def note(_request: Request, response: Response) -> None:
            seen.append(response)

        always = Part(finisher=note) if part == "finisher" else Part(commit=note)
        assert await body(compiled(always, ending=TYPED)) == b"text"
        assert len(seen) == 1

    async def test_hooks_after_the_handler_see_every_response(self):
        async def after(_request: Request, response: Response) -> Response:
            return Response(response.body + b" after")

        assert await body(compiled(ending=TYPED, after=after)) == b"text after"

    async def test_what_was_written_to_is_shown_to_a_finisher_with_fields(self):
        seen: list[Response] = []
        writing = Part(finisher=lambda _, response: response.headers.update({"x-b": "2"}))
        await compiled(with_fields(seen), writing, ending=TYPED)(request())
        assert len(seen) == 1

    def test_fields_are_those_of_a_finisher_alone(self):
        for other in (
            lambda: Part(fields="added"),
            lambda: Part(finisher=never, fields="added", commit=never),
            lambda: Part(finisher=never, fields="added", when="True"),
        ):
            with pytest.raises(ValueError, match="a finisher that stands alone"):
                other()
