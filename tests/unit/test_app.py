from typing import Any

import pytest

from flasgo import Flasgo, RegistrationError, Request, Settings, SettingsError

KEY = "test-app-0123456789abcdefghijklmnopq"


class Shop(Settings, frozen=True):
    CURRENCY: str = "EUR"


class Other(Settings, frozen=True):
    pass


def test_settings_may_come_in_every_form():
    assert Flasgo(settings=Shop(SECRET_KEY=KEY)).settings.CURRENCY == "EUR"
    assert Flasgo(settings={"DEBUG": True, "SECRET_KEY": KEY}).settings.DEBUG is True
    assert type(Flasgo().settings) is Settings
    with pytest.raises(SettingsError, match="DEBUG"):
        Flasgo(settings={"DEBUG": "perhaps"})


def test_a_handler_gets_the_settings_of_its_application():
    app = Flasgo(settings=Shop(SECRET_KEY=KEY))

    @app.get("/")
    async def index(settings: Shop, plain: Settings):
        return [settings.CURRENCY, settings is plain]

    assert app.test_client().get("/").json() == ["EUR", True]


def test_settings_of_another_type_are_refused_at_registration():
    app = Flasgo(settings=Shop(SECRET_KEY=KEY))

    def handler(settings: Other):
        return ""

    with pytest.raises(RegistrationError) as caught:
        app.get("/")(handler)
    assert "parameter `settings`: it asks for Other, but this application's settings are Shop" in str(caught.value)
    assert "pass Flasgo(settings=Other(…))" in str(caught.value)


def test_answers_are_checked_in_full_under_test_and_in_debug_alone():
    assert Flasgo(settings={"DEBUG": True, "SECRET_KEY": KEY})._verify is True
    app = Flasgo()
    assert app._verify is False
    app.test_client()
    assert app._verify is True


@pytest.mark.parametrize("reload", [None, True, False])
def test_running_is_for_the_server_to_do(monkeypatch, reload):
    given: dict[str, Any] = {}
    monkeypatch.setattr("flasgo.server.run.run_app", lambda app, **options: given.update(options, app=app))
    app = Flasgo()
    app.run(host="0.0.0.0", port=9000, reload=reload, reload_dirs=["src"], workers=2, max_requests=1_000)
    assert given == {
        "app": app,
        "host": "0.0.0.0",
        "port": 9000,
        "reload": reload,
        "reload_dirs": ["src"],
        "workers": 2,
        "max_requests": 1_000,
    }


def test_a_subclass_says_its_name():
    class Site(Flasgo[Settings]):
        pass

    assert repr(Site()) == "<Site with 0 routes>"


def test_the_applications_requests_are_as_those_made_by_hand():
    app, seen = Flasgo(), []

    @app.get("/")
    async def handler(request: Request) -> None:
        seen.append(request)

    app.test_client().get("/", headers={"x-a": "1"})
    (made,) = seen
    by_hand = Request.of(made.scope, made.receive, made.terms, made.path_values)
    assert all(getattr(made, name) == getattr(by_hand, name) for name in Request.__struct_fields__)
    assert made != by_hand


def test_a_request_is_never_sent_as_json():
    app = Flasgo()
    app.get("/whole")(show_request)
    app.get("/inside")(show_request_inside)
    client = app.test_client()
    assert (client.get("/whole").status_code, client.get("/inside").status_code) == (500, 500)


async def show_request(request: Request):
    return request


async def show_request_inside(request: Request):
    return {"request": request}


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097])
def test_every_answer_says_its_length(size: int):
    app = Flasgo()

    @app.get("/")
    async def handler() -> bytes:
        return b"x" * size

    assert app.test_client().get("/").headers["content-length"] == str(size)
