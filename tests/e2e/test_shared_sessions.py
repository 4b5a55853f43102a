"""Sessions that several processes share: what one began, every other knows, and what one ends is ended for all."""

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
def test_processes_share_sessions_and_lose_no_write(workshop) -> None:
    """Two servers with one store, so that it is the test that says who answers; as workers of one port it would be the system."""
    workshop.write("app.py", APP)
    addresses = [server.url.removeprefix("http://") for server in (workshop.serve("app.py"), workshop.serve("app.py"))]

    def ask(which: int, path: str, cookie: str = ""):
        connection = HTTPConnection(addresses[which % 2], timeout=30)
        with closing(connection):
            connection.request("GET", path, headers={"cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            return answer, json.loads(answer.read())

    answer, began = ask(0, "/login")
    cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
    names = [f"key{number}" for number in range(30)]
    with ThreadPoolExecutor(6) as threads:
        puts = list(threads.map(lambda number: ask(number, f"/put/key{number}", cookie), range(30)))
    assert {answer.status for answer, _ in puts} == {200}
    one, other = (ask(which, "/all", cookie)[1] for which in (0, 1))
    assert one["worker"] == began["worker"] != other["worker"]
    assert one["session"] == other["session"]
    assert one["session"].keys() == {"_user", *names}
    assert {one["session"][name] for name in names} == {one["worker"], other["worker"]}
    assert ask(1, "/end")[1] == 1
    assert [ask(which, "/all", cookie)[1]["session"] for which in (0, 1)] == [{}, {}]
