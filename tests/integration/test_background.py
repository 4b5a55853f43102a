"""BackgroundTasks: what is left to be done after the answer."""

import asyncio
import threading
from typing import Any

import pytest

from flasgo import BackgroundTasks, Flasgo, FormData, NotFound, Response, request

Log = list[str]


def app_of(*handlers: Any) -> Flasgo[Any]:
    app = Flasgo(settings={"CSRF_ENABLED": False})
    for handler in handlers:
        app.add_route(f"/{handler.__name__}", handler, methods=["GET", "POST"])
    return app


def test_tasks_run_in_their_order_where_they_belong(caplog: pytest.LogCaptureFixture):
    log: Log = []
    threads: list[int] = []

    def plain(word: str, *, mark: str) -> None:
        threads.append(threading.get_ident())
        log.append(f"{word}{mark}")

    async def coroutine(word: str) -> None:
        threads.append(threading.get_ident())
        log.append(f"{word} of {request.path}")

    def fails() -> None:
        raise OSError("no mail today")

    async def more(tasks: BackgroundTasks) -> None:
        tasks.add(log.append, "last")

    async def take(tasks: BackgroundTasks) -> str:
        tasks.add(plain, "one", mark="!")
        tasks.add(fails)
        tasks.add(coroutine, "two")
        tasks.add(lambda: coroutine("three"))
        request.background.add(more, tasks)
        return repr(tasks)

    app = app_of(take)

    @app.teardown_request
    def over() -> None:
        log.append("over")

    assert app.test_client().get("/take").text == "<BackgroundTasks with 5 tasks>"
    assert log == ["one!", "two of /take", "three of /take", "last", "over"]
    assert threads[0] != threads[1] == threads[2]
    assert "background-failed" in caplog.text
    assert "no mail today" in caplog.text


def test_tasks_run_after_the_last_byte_and_before_files_are_removed():
    order: Log = []

    async def take(form: FormData, tasks: BackgroundTasks) -> str:
        file = form.file("f")
        assert file is not None

        async def read() -> None:
            order.append(f"read {len(await file.read())}")

        tasks.add(read)
        return "sent"

    app = app_of(take)
    boundary = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    body = boundary + b"x" * 300_000 + b"\r\n--b--\r\n"

    async def ask() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            order.append(message["type"])

        headers = [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=b")]
        await app({"type": "http", "method": "POST", "path": "/take", "headers": headers}, receive, send)

    asyncio.run(ask())
    assert order == ["http.response.start", "http.response.body", "read 300000"]


def test_tasks_of_a_request_that_failed_are_forgotten():
    log: Log = []

    def fail(tasks: BackgroundTasks) -> None:
        tasks.add(log.append, "of the handler")
        raise NotFound

    app = app_of(fail)

    @app.errorhandler(404)
    def not_found(error: NotFound) -> str:
        request.background.add(log.append, "of the error handler")
        return "gone"

    assert app.test_client().get("/fail").text == "gone"
    assert log == ["of the error handler"]


def test_tasks_are_forgotten_when_the_client_leaves_first():
    log: Log = []

    async def take(tasks: BackgroundTasks) -> Response:
        tasks.add(log.append, "too late")
        return Response("x")

    app = app_of(take)

    async def ask() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            raise OSError

        await app(
            {"type": "http", "method": "GET", "path": "/take", "headers": [(b"host", b"localhost")]}, receive, send
        )

    asyncio.run(ask())
    assert log == []


def test_a_task_that_is_cancelled_tells_what_is_left_out(caplog: pytest.LogCaptureFixture):
    async def take(tasks: BackgroundTasks) -> str:
        tasks.add(asyncio.Event().wait)
        tasks.add(print)
        return "x"

    app = app_of(take)

    async def ask() -> None:
        sent = asyncio.Event()

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                sent.set()

        scope: Any = {"type": "http", "method": "GET", "path": "/take", "headers": [(b"host", b"localhost")]}
        task = asyncio.ensure_future(app(scope, receive, send))
        await sent.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(ask())
    assert "background-interrupted" in caplog.text
    assert "left_out=1" in caplog.text


def test_tasks_are_true_and_counted():
    tasks = BackgroundTasks()
    assert tasks
    tasks.add(print)
    assert len(tasks) == 1
    tasks.clear()
    assert len(tasks) == 0
