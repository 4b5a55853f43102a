"""Every id of `flasgo check`: an application that it is about, and one that it is not."""

import os
from collections.abc import Callable
from typing import Annotated

import pytest

from flasgo import CORS, AllowAny, Blueprint, Flasgo, Header, IsAuthenticated, bearer_token_backend
from flasgo.checks.keys import weakness
from flasgo.checks.run import ALWAYS, DEPLOYED, check
from flasgo.checks.serving import variables_of, workers_of
from flasgo.lifespan import warn_of_random_key
from flasgo.settings import DEFAULT_SECURITY_HEADERS, Settings

KEY = "q7Vd2mXoR9tLkZ4wPbE8sNcYh1JfGu6A"
OLD_KEY = "tLkZ4wPbE8sNcYh1JfGu6Aq7Vd2mXoR9"
SOUND = {"SECRET_KEY": KEY, "ALLOWED_HOSTS": {"shop.example"}}


@pytest.fixture(autouse=True)
def _nothing_else_starts_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in variables_of(os.environ):
        monkeypatch.delenv(name)


def sound(**settings) -> Flasgo[Settings]:
    """A finished application, but for the settings that are given."""
    app = Flasgo(settings={**SOUND, **settings})

    @app.get("/")
    def home() -> str:
        return "home"

    @app.post("/basket", permissions=[IsAuthenticated()])
    def basket(): ...

    return app


def found(app, identity, *, deploy=True, workers=1):
    """The findings of one id as (severity, message), or with where."""
    return [one for one in check(app, deploy=deploy, workers=workers) if one.id == identity]


def severities(app, identity, **options):
    return [one.severity for one in found(app, identity, **options)]


def headers(**fields):
    return {"SECURITY_HEADERS": {**DEFAULT_SECURITY_HEADERS, **{n.replace("_", "-"): v for n, v in fields.items()}}}


def without(name):
    return {"SECURITY_HEADERS": {n: v for n, v in DEFAULT_SECURITY_HEADERS.items() if n != name}}


def test_nothing_is_found_in_a_finished_application():
    assert check(sound(), deploy=True, workers=1) == []
    assert check(sound(), deploy=True) == []


@pytest.mark.parametrize(
    ("identity", "severity", "settings"),
    [
        ("F001", "error", {"SECRET_KEY": "abcde" * 8}),
        ("F001", "error", {"SECRET_KEY": "secret-of-the-shop-q7Vd2mXoR9tLkZ4w"}),
        ("F001", "error", {"SECRET_KEY": "abcdefghijklmnopqrstuvwxyz0123456789"}),
        ("F001", "error", {"SECRET_KEY": "aaaaaaaaaaaaaaaaaaabbbbcdeaaaabbbbbb"}),
        ("F002", "error", {"SECRET_KEY_FALLBACKS": [OLD_KEY, "abcdefgh" * 4]}),
        ("F002", "info", {"SECRET_KEY_FALLBACKS": [OLD_KEY, OLD_KEY[::-1], KEY[::-1]]}),
        ("F003", "error", {"DEBUG": True}),
        ("F004", "error", {"ALLOWED_HOSTS": {"*", "shop.example"}}),
        ("F004", "error", {"ALLOWED_HOSTS": set()}),
        ("F004", "error", {"ENFORCE_ALLOWED_HOSTS": False}),
        ("F004", "warning", {"ALLOWED_HOSTS": {"localhost:8000", "127.0.0.1", "::1"}}),
        ("F004", "warning", {"ALLOWED_HOSTS": {"localhost", "127.0.0.1", "::1", "[::1]", "testserver"}}),
        ("F005", "error", {"SESSION_COOKIE_SECURE": False}),
        ("F005", "warning", {"SESSION_COOKIE_PREFIX": ""}),
        ("F005", "warning", {"SESSION_COOKIE_NAME": "__Secure-shop"}),
        ("F005", "error", {"CSRF_COOKIE_SECURE": False}),
        ("F005", "error", {"SESSION_COOKIE_HTTP_ONLY": False}),
        ("F005", "warning", {"SESSION_COOKIE_SAME_SITE": "None"}),
        ("F006", "error", {"CSRF_ENABLED": False}),
        ("F006", "warning", {"CSRF_CHECK_ORIGIN": False}),
        ("F006", "warning", {"CSRF_REQUIRE_ORIGIN": False}),
        ("F007", "warning", without("strict-transport-security")),
        ("F007", "warning", headers(strict_transport_security="max-age=3600")),
        ("F007", "warning", headers(strict_transport_security="includeSubDomains")),
        ("F008", "warning", without("x-frame-options")),
        ("F008", "warning", headers(content_security_policy="default-src 'self' 'unsafe-inline'")),
        ("F008", "warning", headers(content_security_policy="default-src 'self'; script-src https:")),
        ("F008", "warning", headers(content_security_policy="default-src *")),
        ("F008", "warning", headers(content_security_policy="Default-Src *; img-src 'self'")),
        ("F008", "warning", headers(content_security_policy="img-src 'self';")),
        ("F008", "warning", headers(x_content_type_options="sniff")),
        ("F008", "warning", headers(referrer_policy="unsafe-url")),
        ("F008", "warning", headers(referrer_policy="Unsafe-URL")),
        ("F008", "warning", {"ENFORCE_NO_STORE_CACHE": False}),
        ("F009", "warning", {"ENABLE_DOCS": True}),
        ("F010", "warning", {"SECURITY_FAILURE_RATE_LIMIT": 0}),
        ("F010", "error", {"CREDENTIAL_FAILURE_LIMIT": 0}),
        ("F010", "warning", {"MAX_REQUEST_BODY_BYTES": 100 * 2**20 + 1}),
        ("F010", "warning", {"MAX_REQUEST_HEAD_BYTES": 2**16 + 1}),
        ("F010", "warning", {"REQUEST_READ_TIMEOUT_SECONDS": 60.5}),
        ("F011", "error", {"TRUSTED_PROXIES": {"0.0.0.0/0"}}),
        ("F011", "error", {"TRUSTED_PROXIES": {"::/0", "10.0.0.1"}}),
        ("F011", "warning", {"PROXY_HEADERS": "forwarded"}),
        ("F018", "error", headers(access_control_allow_origin="*", access_control_allow_credentials="true")),
        ("F018", "error", headers(access_control_allow_origin="*", access_control_allow_credentials="TRUE")),
        ("F018", "error", headers(access_control_allow_origin="null")),
        ("F018", "warning", headers(access_control_allow_origin="*")),
    ],
)
def test_a_setting_is_found(identity, severity, settings):
    assert severities(sound(**settings), identity) == [severity]
    assert {one.id for one in check(sound(**settings), deploy=True, workers=1)} == {identity}


@pytest.mark.parametrize(
    "settings",
    [
        {"SECRET_KEY": "0f3a9c5b7d1e8246a0b4c8d2e6f01357"},
        {"SECRET_KEY_FALLBACKS": [OLD_KEY]},
        {"ALLOWED_HOSTS": {".shop.example", "localhost"}},
        {"SESSION_COOKIE_NAME": "__Host-shop"},
        {"SESSION_COOKIE_SAME_SITE": "Strict"},
        {"CSRF_TRUSTED_ORIGINS": {"https://admin.shop.example"}},
        headers(strict_transport_security="max-age=31536000"),
        headers(content_security_policy="default-src 'none'; script-src 'self' https://cdn.example"),
        headers(content_security_policy="script-src 'strict-dynamic' https: 'nonce-x'; style-src 'unsafe-inline'"),
        headers(content_security_policy="script-src https://*.cdn.example"),
        {"MAX_REQUEST_BODY_BYTES": 100 * 2**20, "MAX_REQUEST_HEAD_BYTES": 2**16, "REQUEST_READ_TIMEOUT_SECONDS": 60},
        {"TRUSTED_PROXIES": {"10.0.0.0/8", "fd00::/16", "unix"}, "PROXY_HEADERS": "forwarded"},
        headers(access_control_allow_origin="https://app.shop.example"),
        headers(access_control_allow_origin="https://app.shop.example", access_control_allow_credentials="true"),
        headers(access_control_allow_credentials="true"),
        headers(x_content_type_options="NoSniff"),
        {"RATE_LIMIT_DEFAULT": ("100/60",)},
    ],
)
def test_a_sound_setting_is_not(settings):
    assert check(sound(**settings), deploy=True, workers=1) == []


def test_a_key_is_weak_for_one_reason_at_least():
    assert weakness("abcde" * 8) == "is a shorter text, repeated"
    assert weakness("Testing-0123") == "begins like a key that was written to be replaced"
    assert weakness("abcdefghijklmnopqrstuvwxyz0123456789") == "is a row of characters in their order"
    assert weakness("aab" * 10 + "cdefgh") == "has too few different characters to be random (about 66 bits)"
    assert weakness("zyxwvutsrqponmlkjihgfedcba9876543210") == "is a row of characters in their order"
    assert weakness("aabbccddeeffgghhiijjkkllmmnnooppqq") == "is a row of characters in their order"
    assert weakness("abcXdefQghiKjklWmnoPpqrZstuVwxyRz") is None  # half of it is
    assert weakness(KEY) is None


def test_f002_says_which_key_it_is():
    (only,) = found(sound(SECRET_KEY_FALLBACKS=[OLD_KEY, "abcdefgh" * 4]), "F002")
    assert only.message.startswith("Key 2 of SECRET_KEY_FALLBACKS is a shorter text, repeated")


def test_f000_an_application_that_cannot_be_frozen_is_the_only_finding():
    app = sound(SECRET_KEY="abcde" * 8)

    @app.get("/secret", auth="keys")
    def secret(): ...

    (only,) = check(app, deploy=True)
    assert (only.id, only.severity) == ("F000", "error")
    assert "no auth backend is named 'keys'" in only.message


def test_f000_a_lost_policy_is_found_in_development():
    app = sound()

    def hide(function: Callable[[], None]) -> Callable[[], str]:
        return lambda: "hidden"

    @app.get("/admin")
    @hide
    @app.authorize(IsAuthenticated())
    def admin(): ...

    (only,) = check(app)
    assert only.id == "F000"
    assert "@app.authorize stands on no route" in only.message


def test_f001_and_f019_a_random_key_is_not_one(caplog):
    app = Flasgo(settings={"ALLOWED_HOSTS": {"shop.example"}})

    assert [(one.id, one.severity) for one in check(app, deploy=True, workers=1)] == [("F001", "error")]
    assert severities(app, "F019", workers=None) == ["warning"]
    assert severities(app, "F019", workers=4) == ["error"]
    assert check(app) == []
    assert caplog.records == []


def test_what_is_a_finding_is_no_line_of_the_log_too(caplog):
    warn_of_random_key.cache_clear()

    assert severities(Flasgo(settings={"ALLOWED_HOSTS": {"shop.example"}}), "F001") == ["error"]
    assert caplog.records == []
    warn_of_random_key.cache_clear()
    Flasgo().freeze()
    assert len(caplog.records) == 1  # it is heard again


def test_f006_lists_the_routes_that_browsers_could_be_made_to_call():
    app = sound()
    app.register_auth_backend("tokens", bearer_token_backend(lambda token: None))

    @app.post("/hook", csrf=False, permissions=[AllowAny()])
    def hook(): ...

    @app.post("/api", csrf=False, auth="tokens")
    def api(): ...

    (only,) = check(app, deploy=True, workers=1)
    assert (only.id, only.severity) == ("F006", "warning")
    assert [place.partition("  ")[0] for place in only.where] == ["POST /hook"]


def test_f005_is_silent_of_a_cookie_that_is_never_set():
    assert found(sound(CSRF_ENABLED=False, CSRF_COOKIE_SECURE=False), "F005") == []


def test_f006_without_csrf_is_a_warning_where_nothing_is_at_stake():
    for more in ({}, {"CSRF_CHECK_ORIGIN": False}):
        app = Flasgo(settings={**SOUND, "CSRF_ENABLED": False, **more})

        @app.get("/")
        def home(): ...

        assert severities(app, "F006") == ["warning"]


def test_f006_names_the_setting_that_is_off():
    for name in ("CSRF_CHECK_ORIGIN", "CSRF_REQUIRE_ORIGIN"):
        (only,) = found(sound(**{name: False}), "F006")
        assert only.message.startswith(f"{name} is off")


def test_f008_a_route_that_loosens_its_headers_is_named():
    app = sound()

    @app.get("/frame", headers={"x-frame-options": None, "content-security-policy": "script-src 'unsafe-eval'"})
    def frame(): ...

    @app.get("/strict", headers={"content-security-policy": "default-src 'none'", "x-team": None})
    def strict(): ...

    @app.get("/named", headers={"x-team": "books"})
    def named(): ...

    (only,) = check(app, deploy=True, workers=1)
    assert (only.id, only.where[0].partition("  ")[0]) == ("F008", "GET /frame")
    assert only.message == (
        "A route's headers= takes x-frame-options away and content-security-policy lets scripts come from 'unsafe-eval'."
    )


def test_f009_what_is_for_operators():
    app = sound()
    inside = Blueprint("inside", url_prefix="/internal")

    @inside.get("/metrics")
    def metrics(): ...

    @app.get("/debug/", permissions=[IsAuthenticated()])
    def shown_to_users(): ...

    @app.get("/stats", permissions=[AllowAny()])
    def said_to_be_open(): ...

    app.register_blueprint(inside)
    (only,) = found(app, "F009")
    assert [place.partition("  ")[0] for place in only.where] == ["GET /stats", "GET /internal/metrics"]


def test_f009_docs_behind_a_backend_are_not_public():
    app = sound(ENABLE_DOCS=True, DOCS_AUTH_BACKEND="tokens")
    app.register_auth_backend("tokens", bearer_token_backend(lambda token: None))

    assert check(app, deploy=True, workers=1) == []


def test_f011_a_handler_that_reads_what_every_client_can_write():
    def made(**settings):
        app = sound(**settings)

        @app.get("/ip")
        def address(client: Annotated[str, Header(alias="X-Forwarded-For")] = ""): ...

        return app

    assert severities(made(), "F011") == ["warning"]
    assert severities(made(TRUSTED_PROXIES={"10.0.0.1"}), "F011") == []


def test_f011_a_server_that_believes_proxies(monkeypatch, tmp_path):
    (tmp_path / "Procfile").write_text("web: uvicorn app:app --forwarded-allow-ips='*'\n")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")

    (only,) = found(sound(), "F011")
    assert only.where == ("FORWARDED_ALLOW_IPS", "Procfile:1")
    (tmp_path / "Procfile").unlink()
    (only,) = found(sound(), "F011")
    assert only.where == ("FORWARDED_ALLOW_IPS",)
    monkeypatch.delenv("FORWARDED_ALLOW_IPS")
    (tmp_path / "Procfile").write_text("web: uvicorn app:app --forwarded-allow-ips='*'\n")
    (only,) = found(sound(), "F011")
    assert only.where == ("Procfile:1",)
    monkeypatch.setenv("UVICORN_FORWARDED_ALLOW_IPS", "*")
    (only,) = found(sound(), "F011")
    assert only.where == ("UVICORN_FORWARDED_ALLOW_IPS", "Procfile:1")


def test_f011_other_inputs_are_none_of_a_proxys():
    app = sound()

    @app.get("/query")
    def query(forwarded: str = "", client: Annotated[str, Header(alias="X-Client")] = ""): ...

    assert found(app, "F011") == []


@pytest.mark.parametrize(
    ("file", "text", "places"),
    [
        ("Procfile", "# uvicorn app:app\nweb: uvicorn app:app --port $PORT", ["Procfile:2: uvicorn"]),
        ("Dockerfile", 'FROM x\nCMD ["uvicorn", "app:app", "--workers", "4"]', ["Dockerfile:2: uvicorn"]),
        ("Dockerfile", """CMD ["uvicorn","app:app"]""", ["Dockerfile:1: uvicorn"]),
        ("web.Dockerfile", """CMD ['granian','app:app']""", ["web.Dockerfile:1: granian"]),
        ("fly.toml", 'app = "daphne shop:app"\n[processes]\n  app = daphne shop:app', ["fly.toml:3: daphne"]),
        ("Procfile", "\udcff\nweb: uvicorn app:app", ["Procfile:2: uvicorn"]),
        ("shop.service", "ExecStart=/srv/bin/gunicorn -k x shop:app", ["shop.service:1: gunicorn"]),
        ("compose.yaml", "command: hypercorn 'shop:app", ["compose.yaml:1: hypercorn"]),
        ("Procfile", "web: flasgo run app:app --workers 4", []),
        ("Dockerfile", "RUN pip install uvicorn[standard]==0.54", []),
        ("Procfile", "web: uvicorn --version", []),
        ("notes.txt", "uvicorn app:app", []),
    ],
)
def test_f012_other_servers_are_found_beside_the_application(tmp_path, file, text, places):
    (tmp_path / file).write_bytes(text.encode(errors="surrogateescape"))

    assert [place for one in found(sound(), "F012") for place in one.where] == places


def test_f012_a_servers_variables_and_its_missing_parser(monkeypatch):
    assert found(sound(), "F012") == []
    monkeypatch.setattr("flasgo.checks.serving.find_spec", lambda name: None)
    assert severities(sound(), "F012") == ["error"]
    monkeypatch.setenv("UVICORN_HOST", "0.0.0.0")
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers=2")
    monkeypatch.setenv("GRANIAN_PORT", "80")
    monkeypatch.setenv("WEB_CONCURRENCY", "1")
    assert [one.where for one in found(sound(), "F012")] == [("GRANIAN_PORT", "GUNICORN_CMD_ARGS", "UVICORN_HOST")]


def test_f013_uvicorn_without_a_graceful_timeout(tmp_path, monkeypatch):
    procfile = tmp_path / "Procfile"
    procfile.write_text("web: uvicorn app:app")
    assert severities(sound(), "F013") == ["warning"]
    procfile.write_text("web: uvicorn app:app --timeout-graceful-shutdown=30")
    assert found(sound(), "F013") == []
    procfile.write_text("web: uvicorn app:app --timeout-graceful-shutdown 30")
    assert found(sound(), "F013") == []
    procfile.write_text("web: uvicorn --timeout-graceful-shutdown 30 app:app")
    assert found(sound(), "F013") == []
    procfile.write_text("web: run --timeout-graceful-shutdown=30 uvicorn app:app")
    assert severities(sound(), "F013") == ["warning"]
    procfile.write_text("web: gunicorn app:app")
    assert found(sound(), "F013") == []
    procfile.write_text("web: uvicorn app:app")
    monkeypatch.setenv("UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN", "30")
    assert found(sound(), "F013") == []


def test_the_environment_is_read_as_servers_read_it():
    assert variables_of({"WEB_CONCURRENCY": "2", "UVICORN_HOST": "x", "FORWARDED_ALLOW_IPS": "", "PATH": "/bin"}) == (
        "UVICORN_HOST",
        "WEB_CONCURRENCY",
    )
    counts = {"1": 1, "12": 12, "0": None, "00": None, "-1": None, "two": None, "\u0663": None, "\xb2": None, "": None}
    assert {text: workers_of({"WEB_CONCURRENCY": text}) for text in counts} == counts
    assert workers_of({}) is None


def test_f014_wrong_credentials_are_counted_in_each_process():
    def made(**settings):
        app = sound(RATE_LIMIT_STORE="sqlite:///limits.db", **settings)
        app.register_auth_backend("bearer", bearer_token_backend(lambda token: None))

        app.register_auth_backend("own", lambda request: None)

        @app.get("/mine", auth=["own", "bearer"])
        def mine(): ...

        return app

    assert severities(made(), "F014", workers=2) == ["info"]
    assert severities(made(), "F014", workers=1) == []
    assert severities(made(), "F014", workers=None) == []
    assert severities(made(CREDENTIAL_FAILURE_LIMIT=0), "F014", workers=2) == []


def test_f014_limits_and_sessions_of_one_process(monkeypatch):
    def made(**settings):
        app = sound(**settings)

        @app.get("/report")
        @app.ratelimit(5, per=60)
        def report(): ...

        return app

    assert severities(made(), "F014", workers=1) == []
    (perhaps,) = found(made(), "F014", workers=None)
    assert (perhaps.severity, perhaps.message.partition(" count")[0]) == ("info", "Several processes would")
    assert severities(made(), "F014", workers=2) == ["warning"]
    assert severities(made(RATE_LIMIT_STORE="sqlite:///limits.db"), "F014", workers=2) == []
    assert severities(sound(), "F014", workers=2) == []
    assert severities(sound(SESSION_STORE="memory"), "F014", workers=2) == ["error"]
    assert severities(sound(SESSION_STORE="memory"), "F014", workers=None) == ["info"]
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    (only,) = found(made(), "F014", workers=None)
    assert only.message.startswith("3 processes count rate limits apart")
    assert only.where[0].startswith("GET /report  ")
    monkeypatch.setenv("WEB_CONCURRENCY", "many")
    assert severities(made(), "F014", workers=None) == ["info"]


def test_f015_whoever_asks_nobody_and_did_not_say_so():
    app = sound()

    @app.post("/contact")
    def contact(): ...

    @app.post("/newsletter", permissions=[AllowAny()])
    def newsletter(): ...

    @app.put("/everyone", permissions=[])
    def everyone(): ...

    (only,) = check(app, deploy=True, workers=1)
    assert (only.id, only.severity) == ("F015", "warning")
    assert [place.partition("  ")[0] for place in only.where] == ["POST /contact"]


def test_f015_default_permissions_are_an_answer():
    app = sound(DEFAULT_PERMISSIONS=("IsAuthenticated",))

    @app.post("/contact")
    def contact(): ...

    assert check(app, deploy=True, workers=1) == []


def test_f016_what_lies_in_a_static_folder(tmp_path):
    static = tmp_path / "static"
    (static / ".git").mkdir(parents=True)
    (static / ".git" / "config.py").touch()
    (static / ".well-known").mkdir()
    (static / "js").mkdir()
    (static / "js" / "app.js").touch()
    (static / "js" / "build.py").touch()
    (static / "passwd").symlink_to("/etc/passwd")
    (static / "same.js").symlink_to("js/app.js")
    (static / ".env").touch()
    app = sound()
    app.configure_static(static)

    error, warning = found(app, "F016", deploy=False)
    assert (error.severity, error.where) == ("error", ("js/build.py",))
    assert (warning.severity, warning.where) == ("warning", (".env", ".git", "passwd -> /etc/passwd"))


def served(static, *names):
    """What F016 says is served of these files, a name with a slash at its end being a folder."""
    for name in names:
        path = static / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.touch()
    app = sound()
    app.configure_static(static)
    return [place for one in found(app, "F016", deploy=False) for place in one.where]


def test_f016_knows_what_no_visitor_should_have(tmp_path):
    endings = ("py", "pyc", "pyo", "sqlite", "sqlite3", "db", "pem", "key", "bak", "swp", "sql")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "itself").symlink_to(".")
    names = [f"x.{ending}" for ending in endings]
    assert served(tmp_path / "static", *names, "A.PY", "folder.py/", "x.html", "x.pyx") == sorted([*names, "A.PY"])


def test_f016_tells_of_20_and_looks_at_so_many_names(tmp_path, monkeypatch):
    assert served(tmp_path / "many", *(f"{number:02}.py" for number in range(25))) == [f"{n:02}.py" for n in range(20)]
    for most, shown in ((2, ["a.py"]), (3, ["a.py", "sub/b.py"])):
        monkeypatch.setattr("flasgo.checks.folders.MOST", most)
        assert served(tmp_path / f"deep{most}", "a.py", "sub/b.py") == shown


def test_f016_a_clean_folder_and_one_that_is_gone(tmp_path):
    static = tmp_path / "static"
    static.mkdir()
    (static / "app.css").touch()
    app = sound()
    app.configure_static(static)

    assert check(app, deploy=True, workers=1) == []
    (static / "app.css").unlink()
    static.rmdir()
    assert check(app, deploy=True, workers=1) == []


def test_f017_templates_that_do_not_escape(tmp_path):
    app = sound()
    templates = app.configure_templates(tmp_path)

    assert found(app, "F017", deploy=False) == []
    templates.environment.autoescape = lambda name: name.endswith(".html")
    assert severities(app, "F017", deploy=False) == ["error"]


def test_f018_is_worse_where_somebody_is_asked():
    app = sound()

    @app.get("/public", headers={"access-control-allow-origin": "*"})
    def public(): ...

    @app.get("/orders", headers={"access-control-allow-origin": "*"}, permissions=[IsAuthenticated()])
    def orders(): ...

    @app.get("/partner", headers={"access-control-allow-origin": "https://partner.example"})
    def partner(): ...

    assert [(one.severity, one.where[0].partition("  ")[0]) for one in found(app, "F018", deploy=False)] == [
        ("error", "GET /orders"),
        ("warning", "GET /public"),
    ]


def test_f018_what_is_shared_with_too_many(monkeypatch):
    app = sound()
    app.get("/all", cors=CORS(origins=["*"]))(lambda: "x")
    app.get("/too", cors=CORS(origins=["*"]))(lambda: "x")
    app.get("/plain", cors=CORS(origins=["http://app.example", "http://*.app.example"]))(lambda: "x")
    app.get("/mine", cors=CORS(origins=["http://app.example"], credentials=True))(lambda: "x")
    app.get("/local", cors=CORS(origins=["http://localhost:5173", "http://127.0.0.1", "http://[::1]:3000"]))(
        lambda: "x"
    )
    app.get("/named", cors=CORS(origins=["https://app.example"], credentials=True))(lambda: "x")
    app.get("/closed", cors=None)(lambda: "x")

    assert [
        (one.severity, one.message, [place.partition("  ")[0] for place in one.where])
        for one in found(app, "F018", deploy=False)
    ] == [
        (
            "error",
            "CORS trusts pages that come without TLS, which any network on the way can write (http://app.example):",
            ["GET /mine"],
        ),
        ("warning", "CORS lets pages of every site read the answers:", ["GET /all", "GET /too"]),
        (
            "warning",
            "CORS trusts pages that come without TLS, which any network on the way can write (http://app.example, http://*.app.example):",
            ["GET /plain"],
        ),
    ]
    assert severities(sound(CORS_ORIGINS={"*"}), "F018") == ["warning"]
    assert severities(sound(CORS_ORIGINS={"http://localhost:5173"}, CORS_CREDENTIALS=True), "F018") == []


def test_the_worst_is_first():
    findings = check(sound(DEBUG=True, ALLOWED_HOSTS={"localhost"}, RATE_LIMIT_DEFAULT=("9/9",)), deploy=True)

    assert [one.severity for one in findings] == ["error", "warning", "info"]
    assert len(DEPLOYED) + len(ALWAYS) == 19
