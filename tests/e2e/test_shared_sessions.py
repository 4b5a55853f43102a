"""Sessions that several worker processes share: what one began, every other knows, and what one ends is ended for all."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import pytest

APP = """
    import os
    from flasgo import Flasgo, Session

    app = Flasgo(settings={
        "SECRET_KEY": "a-key-for-tests-0123456789-abcdefghij", "SESSION_STORE": "sqlite:///sessions.db",
        "SESSION_COOKIE_SECURE": False, "CSRF_ENABLED": False,
    })

    @app.get("/login")
    def login(session: Session) -> dict[str, object]:
        session["_user"] = "ada"
        return {"worker": os.getpid()}

    @app.get("/put/<name>")
    def put(name: str, session: Session) -> dict[str, object]:
        session[name] = os.getpid()
        return {"worker": os.getpid()}

    @app.get("/all")
    def everything(session: Session) -> dict[str, object]:
        return {"worker": os.getpid(), "session": dict(session)}

    @app.get("/end")
    async def end() -> int:
        return await app.sessions.revoke_all("ada")
"""


@pytest.mark.slow
def test_workers_share_sessions_and_lose_no_write(workshop) -> None:
    workshop.write("app.py", APP)
    server = workshop.serve("app.py", "--workers", "3")
    address = server.url.removeprefix("http://")

    def ask(path: str, cookie: str = ""):
        connection = HTTPConnection(address, timeout=30)
        with closing(connection):
            connection.request("GET", path, headers={"cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            return answer, json.loads(answer.read())

    answer, _ = ask("/login")
    cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
    names = [f"key{number}" for number in range(30)]
    with ThreadPoolExecutor(6) as threads:
        puts = list(threads.map(lambda name: ask(f"/put/{name}", cookie), names))
    assert {answer.status for answer, _ in puts} == {200}
    looks = [ask("/all", cookie)[1] for _ in range(6)]
    workers = {told["worker"] for told in (*(told for _, told in puts), *looks)}
    for _ in range(50):  # which worker is given a connection is the system's choice: one may be quick enough for many
        if len(workers) > 1:
            break
        with ThreadPoolExecutor(12) as threads:
            workers |= {told["worker"] for _, told in threads.map(lambda _: ask("/all", cookie), range(24))}
    assert len(workers) > 1
    assert all(look["session"].keys() == {"_user", *names} for look in looks)
    assert ask("/end")[1] == 1
    assert [ask("/all", cookie)[1]["session"] for _ in range(6)] == [{}] * 6
