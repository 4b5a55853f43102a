from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from flasgo.lifespan import as_context, run_lifespan


async def test_a_generator_function_is_a_context():
    seen = []

    async def lifespan(app):
        seen.append(f"opens {app}")
        yield {"a": 1}
        seen.append("closes")

    async with as_context(lifespan, "app") as names:
        assert names == {"a": 1}
    assert seen == ["opens app", "closes"]


async def test_a_context_manager_is_taken_as_it_is():
    @asynccontextmanager
    async def lifespan(app):
        yield None

    made = lifespan("app")
    assert as_context(lambda app: made, "app") is made
    stack: Any = AsyncExitStack()
    assert as_context(lambda app: stack, "app") is stack


@pytest.mark.parametrize("made", [None, 5, iter(()), [1]])
def test_what_is_neither_is_refused(made: Any):
    with pytest.raises(TypeError, match="Write `async def` and one `yield`"):
        as_context(lambda app: made, "app")


async def test_what_was_opened_is_released_last_and_always(caplog):
    seen = []

    async def receive() -> Any:
        return {}

    async def send(message: Any) -> None:
        seen.append(message["type"])

    @asynccontextmanager
    async def context():
        yield None
        seen.append("context closes")

    def refuse(names: object) -> None:
        raise TypeError("not these")

    for opened in (lambda names: None, refuse):
        await run_lifespan(
            receive,
            send,
            prepare=lambda: seen.append("prepared"),
            contexts=lambda: [context()],
            opened=opened,
            release=lambda: seen.append("released"),
        )
    assert seen == [
        *("prepared", "lifespan.startup.complete", "context closes", "released", "lifespan.shutdown.complete"),
        *("prepared", "context closes", "released", "lifespan.startup.failed"),
    ]
