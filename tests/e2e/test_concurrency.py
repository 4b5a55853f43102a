"""Many requests at once on a real server: blocking handlers hold up nobody, and no request sees another's context."""

import asyncio
import time

import pytest

APPLICATION = """
    import asyncio
    import time
    from flasgo import Flasgo, Request
    from flasgo.context import g, request

    app = Flasgo(settings={"SECRET_KEY": "test-concurrency-0123456789abcdefgh", "CSRF_ENABLED": False})

    @app.before_request
    async def put():
        g.number = request.query_params.get("number", [""])[0]

    @app.get("/sleep")
    def sleep() -> str:
        time.sleep(0.2)
        return g.number

    @app.get("/nap")
    async def nap() -> str:
        await asyncio.sleep(0.01)
        return f"{g.number} {request.query_params['number'][0]}"

    @app.post("/slow-body")
    async def slow_body(request: Request) -> str:
        body = await request.body()
        return f"{g.number} {body.decode()}"

    @app.after_request
    def mark(response):
        response.headers["x-number"] = g.number
"""


class Client:
    """One kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, url: str) -> "Client":
        host, _, port = url.removeprefix("http://").partition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def get(self, path: str) -> tuple[int, str, str]:
        """Status, body and the header that the hook sets."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return await self.response()

    async def response(self) -> tuple[int, str, str]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await self.reader.readexactly(int(fields["content-length"]))
        return int(head.split()[1]), body.decode(), fields["x-number"]

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


@pytest.fixture(params=["flasgo run", "uvicorn"])
def url(request, workshop):
    workshop.write("served.py", APPLICATION)
    if request.param == "uvicorn":
        server = workshop.start("-m", "uvicorn", "served:app", "--port", "0", "--http", "httptools", "--loop", "uvloop")
    else:
        server = workshop.serve("served.py")
    yield server.url
    assert "Traceback" not in server.said


@pytest.mark.slow
async def test_two_hundred_sleepers_hold_up_nobody(url):
    sleepers = [await Client.connect(url) for _ in range(200)]
    awake = await Client.connect(url)
    async with asyncio.timeout(30):
        started = time.monotonic()
        asleep = [asyncio.create_task(client.get(f"/sleep?number={n}")) for n, client in enumerate(sleepers)]
        await asyncio.sleep(0.05)
        slowest = 0.0
        while not all(task.done() for task in asleep):
            asked = time.monotonic()
            assert await awake.get("/nap?number=x") == (200, "x x", "x")
            slowest = max(slowest, time.monotonic() - asked)
        answers = [task.result() for task in asleep]
    assert answers == [(200, str(number), str(number)) for number in range(200)]
    # One after the other they would take 40 s; in 40 threads it is a good second.
    assert time.monotonic() - started < 20
    assert slowest < 5
    for client in (*sleepers, awake):
        await client.close()


async def test_requests_that_overlap_on_kept_and_pipelined_connections_keep_apart(url):
    async def converse(number: int) -> None:
        client = await Client.connect(url)
        for turn in range(5):
            name = f"{number}-{turn}"
            assert await client.get(f"/nap?number={name}") == (200, f"{name} {name}", name)
        names = [f"{number}-p{turn}" for turn in range(5)]
        client.writer.write(
            b"".join(f"GET /nap?number={name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for name in names)
        )
        for name in names:
            assert await client.response() == (200, f"{name} {name}", name)
        head = f"POST /slow-body?number={number} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
        client.writer.write(head.encode())
        for piece in (b"bo", b"dy"):
            await asyncio.sleep(0.02)
            client.writer.write(piece)
        assert await client.response() == (200, f"{number} body", str(number))
        await client.close()

    async with asyncio.timeout(30):
        await asyncio.gather(*(converse(number) for number in range(40)))
