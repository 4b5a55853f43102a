"""The dashboard, driven by the test client."""

import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from flasgo import Flasgo, TestClient, TestResponse, hash_password, verify_password
from flasgo.auth import Scrypt
from flasgo.cli.command import main

from . import people, sample
from .app import USUAL, create_app
from .database import connect
from .settings import BoardSettings

Board = Flasgo[BoardSettings]


class Visitor:
    """A browser: follows redirects, and sends a form with what its page has hidden in it."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str, *, fragment: str = "") -> TestResponse:
        headers = {"x-fragment": fragment} if fragment else {}
        return self.client.get(path, follow_redirects=True, headers=headers)

    def submit(self, page: str, fields: dict[str, str], *, to: str | None = None, fragment: str = "") -> TestResponse:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        data = {**fields, "csrf_token": found[1] if found else ""}
        headers = {"x-fragment": fragment} if fragment else {}
        return self.client.post(to or page, data=data, headers=headers, follow_redirects=True)


@pytest.fixture
def passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The sample data, made by its command; real hashes cost a quarter of a second each."""
    hasher = Scrypt(log_n=4)
    monkeypatch.setattr(sample, "hash_password", partial(hash_password, hasher=hasher))
    monkeypatch.setattr(people, "verify_password", partial(verify_password, hasher=hasher))
    monkeypatch.setenv("FLASGO_BOARD_DATA", str(tmp_path / "board.db"))
    assert main(["cmd", str(Path(__file__).with_name("app.py")), "fill"]) == 0
    return dict(re.findall(r"as (\w+), who .* password (\S+)", capsys.readouterr().out))


@pytest.fixture
def client(passwords: dict[str, str]) -> Iterator[TestClient]:
    assert set(passwords) == {"vera", "edith"}
    with create_app().test_client(headers={"origin": "http://localhost", "accept": "text/html"}) as client:
        yield client


def logged_in(client: TestClient, passwords: dict[str, str], name: str) -> Visitor:
    visitor = Visitor(client)
    page = visitor.submit("/login", {"name": name, "password": passwords[name]})
    assert page.status_code == 200
    return visitor


@pytest.fixture
def vera(client: TestClient, passwords: dict[str, str]) -> Visitor:
    """Who may look."""
    return logged_in(client, passwords, "vera")


@pytest.fixture
def edith(client: TestClient, passwords: dict[str, str]) -> Visitor:
    """Who may edit."""
    return logged_in(client, passwords, "edith")


def rows(page: TestResponse) -> list[str]:
    found: Iterator[re.Match[str]] = re.finditer(r'<tr id="row-\d+">.*?<a [^>]*>([^<]+)</a>', page.text, re.DOTALL)
    return [match[1] for match in found]


@pytest.mark.parametrize("path", ["/", "/incidents", "/incidents/1", "/incidents/new", "/services"])
def test_strangers_are_sent_to_log_in(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.location) == (303, f"/login?next={path}")
    assert client.get("/static/board.css").status_code == 200


def test_a_login_leads_back_and_a_wrong_one_is_told(client: TestClient, passwords: dict[str, str]) -> None:
    visitor = Visitor(client)
    page = visitor.submit("/login?next=/services", {"name": "vera", "password": "wrong"})
    assert (page.status_code, "Wrong name or password." in page.text) == (422, True)
    page = visitor.submit("/login", {"name": "", "password": ""})
    assert page.text.count("Fill in this field.") == 2
    page = visitor.submit("/login?next=/services", {"name": "vera", "password": passwords["vera"]})
    assert "<h1>Services</h1>" in page.text
    page = visitor.submit("/", {}, to="/logout")
    assert "You are logged out." in page.text


def test_logins_are_not_tried_without_end(client: TestClient) -> None:
    visitor = Visitor(client)
    statuses = [visitor.submit("/login", {"name": f"n{n}", "password": "x"}).status_code for n in range(11)]

    assert statuses == [422] * 10 + [429]


def test_the_overview_shows_figures_charts_and_what_is_open(vera: Visitor) -> None:
    page = vera.get("/").text

    assert page.count('class="card tile"') == 3
    assert page.count('class="spark"') == 3
    assert '<title id="requests-title">Requests by the hour</title>' in page
    assert page.count("<rect x=") >= 24 * 2
    assert re.search(r"<title>\w{3} \d\d:00: [\d,]+ requests</title>", page)
    assert "Payments time out for some cards" in page
    assert 'style="' not in page  # the policy would not let it in
    assert "script-src" not in vera.client.get("/").headers["content-security-policy"]


@pytest.mark.parametrize(("span", "columns"), [("day", 24), ("two-days", 48), ("week", 168)])
def test_a_fragment_of_the_page_is_answered_alone(vera: Visitor, span: str, columns: int) -> None:
    part = vera.get(f"/?span={span}", fragment="traffic").text

    assert part.lstrip().startswith('<section id="traffic"')
    assert "<html" not in part
    assert part.count("<rect x=") == 2 * columns
    assert vera.get("/", fragment="tiles").text.lstrip().startswith('<section id="tiles"')


def test_what_the_query_cannot_mean_is_refused(vera: Visitor) -> None:
    for query in ("span=year", "span=day&span=week"):
        assert vera.get(f"/?{query}").status_code == 422
    for query in ("status=lost", "sort=password_hash", "page=0", "service=-1", f"q={'x' * 61}", "descending=maybe"):
        page = vera.get(f"/incidents?{query}")
        assert page.status_code == 422
        assert "asks for something that it does not have" in page.text
    assert vera.get("/incidents?page=9").status_code == 404


def test_incidents_are_filtered_sorted_and_paged(vera: Visitor) -> None:
    assert len(rows(vera.get("/incidents"))) == 4
    first, second = vera.get("/incidents?status=any"), vera.get("/incidents?status=any&page=2")
    assert (len(rows(first)), len(rows(second))) == (10, 4)
    assert "Page 1 of 2" in first.text
    assert rows(vera.get("/incidents?status=any&severity=critical&sort=title&descending=false")) == [
        "Payments time out for some cards",
        "Refunds are booked twice",
        "Two-factor codes are refused",
    ]
    assert rows(vera.get("/incidents?status=resolved&q=REPORT")) == ["Nightly report was not sent"]
    assert rows(vera.get("/incidents?status=any&q=%27%20OR%201%3D1")) == []
    assert "Nothing fits." in vera.get("/incidents?status=any&q=zzz").text
    only = vera.get("/incidents?status=any&service=1", fragment="table")
    assert only.text.lstrip().startswith('<section id="table"')
    assert len(rows(only)) == 3


def test_links_keep_what_is_shown(vera: Visitor) -> None:
    page = vera.get("/incidents?status=any&severity=major&sort=title&descending=false").text

    assert 'aria-sort="ascending"' in page
    assert 'href="/incidents?status=any&amp;severity=major&amp;sort=title"' in page  # the other way round
    assert 'href="/incidents?status=any&amp;severity=major"' in page  # by the time, the newest first, as usual


def test_who_may_look_cannot_change_anything(vera: Visitor) -> None:
    assert "Take it" not in vera.get("/incidents").text
    for path in ("/incidents/new", "/incidents/1/edit"):
        page = vera.get(path)
        assert (page.status_code, "You may look" in page.text) == (403, True)
    for path in ("/incidents/new", "/incidents/1/edit", "/incidents/1/watch"):
        assert vera.submit("/incidents", {}, to=path).status_code == 403


@pytest.mark.usefixtures("edith")
@pytest.mark.parametrize("path", ["/incidents/new", "/incidents/1/edit", "/incidents/1/watch", "/logout"])
def test_no_form_is_taken_without_the_token_of_its_page(client: TestClient, path: str) -> None:
    assert client.post(path, data={"title": "x"}).status_code == 403


FIELDS = {"title": "Disk <full>", "service": "1", "severity": "major", "status": "open", "owner": "", "note": "Soon."}


def test_an_incident_is_reported_changed_and_resolved(edith: Visitor) -> None:
    page = edith.submit("/incidents/new", FIELDS)
    assert "The incident is reported." in page.text
    assert "<h1>Disk &lt;full&gt;</h1>" in page.text
    assert "told the team" in edith.get("/incidents/15", fragment="events").text

    page = edith.submit("/incidents/15/edit", FIELDS | {"severity": "critical", "owner": "ada"})
    assert "<b>edith</b> called it critical, gave it to ada" in page.text
    page = edith.submit("/incidents/15/edit", FIELDS | {"severity": "critical", "owner": "ada", "status": "resolved"})
    assert "set it to resolved" in page.text
    assert "<dt>Resolved</dt>" in page.text
    page = edith.submit("/incidents/15/edit", FIELDS | {"severity": "critical", "owner": "ada", "status": "resolved"})
    assert "<b>edith</b> edited it" in page.text
    page = edith.submit("/incidents/15/edit", FIELDS | {"severity": "critical"})
    assert "left it to nobody" in page.text


@pytest.mark.parametrize("page", ["/incidents/new", "/incidents/1/edit"])
def test_a_form_comes_back_with_what_was_typed_and_what_is_wrong(edith: Visitor, page: str) -> None:
    wrong = {"title": "", "service": "", "severity": "bad", "status": "resolved", "note": "<kept>"}
    answer = edith.submit(page, wrong)

    assert answer.status_code == 422
    assert answer.text.count("Fill in this field.") == 2
    assert "Choose one of these." in answer.text
    assert "&lt;kept&gt;" in answer.text
    other = edith.submit(page, FIELDS | {"service": "99", "status": "watching"})
    assert 'id="service-problem">Choose one of these.' in other.text
    assert 'id="owner-problem">' not in other.text
    assert 'id="owner-problem">Say who' in edith.submit(page, FIELDS | {"status": "watching"}).text


def test_a_row_is_taken_by_its_button_with_and_without_a_script(edith: Visitor) -> None:
    row = edith.submit("/incidents", {}, to="/incidents/1/watch", fragment="row").text
    assert row.lstrip().startswith('<tr id="row-1">')
    assert "watching" in row
    assert "edith" in row
    assert "It is yours." in edith.submit("/incidents", {}, to="/incidents/3/watch").text
    assert "It is yours." in edith.submit("/incidents", {}, to="/incidents/3/watch").text  # again changes nothing


def test_services_show_how_they_are(vera: Visitor) -> None:
    page = vera.get("/services").text

    assert page.count('class="card service"') == 6
    assert "healthy" in page
    assert "troubled" in page


def test_what_is_not_there_is_told_to_somebody_who_is_known(vera: Visitor) -> None:
    for path in ("/nowhere", "/incidents/99"):
        page = vera.get(path)
        assert page.status_code == 404
        assert "There is no such page." in page.text
        assert "vera" in page.text


def test_an_empty_board_says_how_to_fill_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Scrypt(log_n=4)
    monkeypatch.setattr(people, "verify_password", partial(verify_password, hasher=hasher))
    path = tmp_path / "new" / "board.db"
    board = create_app(BoardSettings.from_env({**USUAL, "FLASGO_BOARD_DATA": str(path)}))
    with board.test_client(headers={"origin": "http://localhost"}) as client, closing(connect(path)) as connection:
        query = "INSERT INTO person (name, password_hash, scopes) VALUES ('zoe', ?, '')"
        connection.execute(query, (hash_password("four odd words here", hasher=hasher),))
        connection.commit()
        zoe = logged_in(client, {"zoe": "four odd words here"}, "zoe")
        assert "Nothing has been measured yet." in zoe.get("/").text
        assert "There are no services yet." in zoe.get("/services").text


def test_the_board_is_filled_once(passwords: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert passwords
    assert main(["cmd", str(Path(__file__).with_name("app.py")), "fill"]) == 2
    assert "There is something already." in capsys.readouterr().err
