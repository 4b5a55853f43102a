"""The tasks of a team, driven by the test client; and several servers of them, by the script that shows them."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from types import ModuleType

import pytest

from flasgo import Flasgo, TestClient, TestResponse
from flasgo.auth import Scrypt

HERE = Path(__file__).parent
ORIGIN = {"Origin": "http://localhost"}
ADA = "correct horse battery"
BOB = "seven purple walruses"
WRONG = "a guess"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program with a store of its own, and with passwords that are hashed in no time."""
    for name in ("TEAM_TASKS_STORE", "FLASGO_SESSION_STORE", "FLASGO_RATE_LIMIT_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEAM_TASKS_PASSWORD", ADA)
    spec = importlib.util.spec_from_file_location("team_tasks", HERE / "app.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, program)
    spec.loader.exec_module(program)
    monkeypatch.setattr(program, "HASHER", Scrypt(log_n=4))
    return program


@pytest.fixture
def stranger(program: ModuleType) -> Iterator[TestClient]:
    with visitor(program, ORIGIN) as client:
        yield client


def visitor(program: ModuleType, headers: dict[str, str] | None = None) -> TestClient:
    app = program.app
    assert isinstance(app, Flasgo)
    return app.test_client(headers=headers)


@pytest.fixture
def ada(program: ModuleType, stranger: TestClient) -> TestClient:  # noqa: ARG001 - it runs the application
    return browser(program, "ada", ADA)


def token(client: TestClient, path: str = "/login") -> str:
    return client.get(path).text.partition('name="csrf_token" value="')[2].partition('"')[0]


def send(client: TestClient, path: str, page: str = "/account", **fields: str) -> TestResponse:
    """Send the form of a page."""
    return client.post(path, data={"csrf_token": token(client, page), **fields})


def browser(program: ModuleType, name: str, password: str, **fields: str) -> TestClient:
    """Of somebody who has logged in."""
    client = visitor(program, ORIGIN)
    assert send(client, "/login", "/login", name=name, password=password, **fields).headers["location"] == "/"
    return client


def api(client: TestClient, method: str, path: str, json: object = None) -> TestResponse:
    """What a page's script asks for."""
    return client.request(method, path, json=json, headers={**ORIGIN, "X-CSRF-Token": token(client, "/account")})


def key_of(client: TestClient, *scopes: str) -> dict[str, str]:
    made = api(client, "POST", "/api/keys", {"label": "script", "scopes": list(scopes)})
    assert made.status_code == 201
    return {"X-API-Key": made.json()["key"]}


def test_a_stranger_who_wants_a_page_is_sent_to_the_login_and_back(stranger: TestClient) -> None:
    sent = stranger.get("/account", headers={"Accept": "text/html"})

    assert sent.headers["location"] == "/login?next=/account"
    assert 'name="next" value="/account"' in stranger.get("/login?next=/account").text
    assert stranger.get("/api/tasks").status_code == 401


def test_a_login_leads_to_no_other_site(stranger: TestClient) -> None:
    fields = {"name": "ada", "password": ADA, "next": "https://elsewhere.example/"}

    assert send(stranger, "/login", "/login", **fields).status_code == 400


def test_wrong_passwords_and_unknown_names_are_answered_alike(stranger: TestClient) -> None:
    wrong, unknown = (send(stranger, "/login", "/login", name=name, password=WRONG) for name in ("ada", "eve"))

    assert wrong.status_code == unknown.status_code == 401
    assert "Wrong name or password." in wrong.text
    assert "Wrong name or password." in unknown.text


def test_the_login_is_limited_by_address(stranger: TestClient) -> None:
    codes = [send(stranger, "/login", "/login", name=f"m{number}", password=WRONG).status_code for number in range(11)]

    assert codes == [401] * 10 + [429]


def test_tasks_are_added_finished_and_removed(ada: TestClient) -> None:
    send(ada, "/tasks", "/", title="Water the <plants>")
    assert "Water the &lt;plants&gt;" in ada.get("/").text
    send(ada, "/tasks/1/done", "/")

    assert ada.get("/api/tasks?state=done").json() == [
        {"id": 1, "title": "Water the <plants>", "owner": "ada", "state": "done"}
    ]
    assert api(ada, "PATCH", "/api/tasks/1", {"state": "open"}).json()["state"] == "open"
    assert api(ada, "DELETE", "/api/tasks/1").status_code == 204
    assert api(ada, "DELETE", "/api/tasks/1").status_code == 404


def test_a_page_of_another_site_changes_nothing(ada: TestClient) -> None:
    answer = ada.post("/tasks", data={"title": "forged"}, headers={"Origin": "https://elsewhere.example"})

    assert answer.status_code == 403
    assert ada.get("/api/tasks").json() == []


def test_roles_say_what_a_member_may(program: ModuleType, ada: TestClient) -> None:
    for name, role in (("bob", "member"), ("eve", "guest")):
        assert api(ada, "POST", "/api/members", {"name": name, "password": BOB, "role": role}).status_code == 201
    assert api(ada, "POST", "/api/members", {"name": "bob", "password": BOB}).status_code == 409
    assert api(ada, "POST", "/api/members", {"name": "kim", "password": "password"}).status_code == 400
    bob, eve = (browser(program, name, BOB) for name in ("bob", "eve"))

    assert api(ada, "POST", "/api/tasks", {"title": "ada's"}).json()["id"] == 1
    assert api(bob, "POST", "/api/tasks", {"title": "bob's"}).json()["id"] == 2
    assert api(eve, "POST", "/api/tasks", {"title": "eve's"}).status_code == 403
    assert "Add" not in eve.get("/").text
    assert api(bob, "DELETE", "/api/tasks/1").status_code == 403
    assert api(bob, "DELETE", "/api/tasks/2").status_code == 204
    assert api(bob, "POST", "/api/members", {"name": "mia", "password": BOB}).status_code == 403


def test_a_key_may_what_it_says_and_its_owner_may(program: ModuleType, ada: TestClient) -> None:
    api(ada, "POST", "/api/members", {"name": "eve", "password": BOB, "role": "guest"})
    script = visitor(program)
    reads, writes = key_of(ada, "tasks:read"), key_of(ada, "tasks:read", "tasks:write")
    guests = key_of(browser(program, "eve", BOB), "tasks:read", "tasks:write")

    assert [script.get("/api/tasks", headers=key).status_code for key in (reads, writes, guests)] == [200] * 3
    added = [script.post("/api/tasks", json={"title": "x"}, headers=key).status_code for key in (reads, writes, guests)]
    assert added == [403, 201, 403]
    assert script.post("/api/keys", json={"label": "x"}, headers=writes).status_code in {401, 403}
    wrong = {"X-API-Key": reads["X-API-Key"][:-1]}
    assert script.get("/api/tasks", headers=wrong).status_code == 401


def test_a_key_that_was_removed_opens_nothing(program: ModuleType, ada: TestClient) -> None:
    script, key = visitor(program), key_of(ada, "tasks:read")
    [listed] = ada.get("/api/keys").json()

    assert key["X-API-Key"] not in str(listed)
    assert api(ada, "DELETE", f"/api/keys/{listed['id']}").status_code == 204
    assert api(ada, "DELETE", f"/api/keys/{listed['id']}").status_code == 404
    assert script.get("/api/tasks", headers=key).status_code == 401


def test_keys_and_browsers_of_a_member_share_one_quota(program: ModuleType, ada: TestClient) -> None:
    script, key = visitor(program), key_of(ada, "tasks:read")  # which takes the first of the sixty
    codes = [(script if number % 2 else ada).get("/api/tasks", headers=key).status_code for number in range(60)]

    assert codes == [200] * 59 + [429]


def test_a_new_password_ends_every_other_login(program: ModuleType, ada: TestClient) -> None:
    other, remembered = (browser(program, "ada", ADA, remember=value) for value in ("false", "true"))
    wrong = send(ada, "/account/password", old="no", new=BOB)
    assert "The old password is wrong." in ada.get(wrong.headers["location"]).text
    assert other.get("/account").status_code == 200

    send(ada, "/account/password", old=ADA, new=BOB)
    assert "The password was changed" in ada.get("/account").text
    assert [client.get("/account").status_code for client in (other, remembered)] == [401, 401]
    assert browser(program, "ada", BOB).get("/account").status_code == 200


def test_other_sessions_are_ended_and_a_cookie_that_was_copied_is_worth_nothing(
    program: ModuleType, ada: TestClient
) -> None:
    other = browser(program, "ada", ADA)
    assert ada.get("/account").text.count("<li>") == 2
    copied = {"Cookie": f"flasgo-session={other.cookies['flasgo-session']}"}
    remembered = browser(program, "ada", ADA, remember="true").cookies["flasgo-remember"]
    send(ada, "/account/end-others")

    assert ada.get("/account").text.count("<li>") == 1
    assert visitor(program).get("/account", headers=copied).status_code == 401
    assert visitor(program).get("/account", headers={"Cookie": f"flasgo-remember={remembered}"}).status_code == 401
    copied = {"Cookie": f"flasgo-session={ada.cookies['flasgo-session']}"}
    assert send(ada, "/logout").headers["location"] == "/login"
    assert visitor(program).get("/account", headers=copied).status_code == 401


def test_without_a_password_in_the_environment_one_is_made_up_and_said(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TEAM_TASKS_PASSWORD")
    with visitor(program):
        said = capsys.readouterr().out.split()[-1]
        assert browser(program, "ada", said).get("/account").status_code == 200


@pytest.mark.slow
@pytest.mark.skipif(which("redis-server") is None or which("nginx") is None, reason="it starts Redis and nginx")
def test_two_servers_share_a_login_and_a_quota() -> None:
    ran = subprocess.run(  # noqa: S603 - what it runs is beside it
        (sys.executable, HERE / "several.py"), capture_output=True, text=True, timeout=180, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("ok  ") == 9
    assert "BAD" not in ran.stdout
