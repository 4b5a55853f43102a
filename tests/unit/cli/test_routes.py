import json

import pytest

from flasgo.cli.command import main


@pytest.fixture
def shop(project):
    return project.write(
        "shop.py",
        """
        from flasgo import Flasgo

        app = Flasgo()
        empty = Flasgo()

        async def plain(scope, receive, send): ...

        @app.post("/books")
        async def add(): ...

        @app.route("/books", methods=["GET", "DELETE"], name="all_books")
        async def books(): ...

        def register():
            @app.get("/")
            def home(): ...

        register()
        """,
    )


def test_the_table_is_sorted_by_path_and_aligned(shop, capsys):
    assert main(["routes", "shop.py"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "PATH    METHODS      NAME       HANDLER             SOURCE",
        "/       GET          home       shop:register.home  shop.py:16",
        "/books  DELETE, GET  all_books  shop:books          shop.py:12",
        "/books  POST         add        shop:add            shop.py:9",
    ]


def test_the_json_form_is_an_array_of_objects(shop, capsys):
    assert main(["routes", "shop", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["home", "all_books", "add"]
    assert rows[1] == {
        "path": "/books",
        "methods": ["DELETE", "GET"],
        "name": "all_books",
        "handler": "shop:books",
        "file": str(shop),
        "line": 12,
        "limits": [],
    }


def test_limits_are_a_column_where_there_are_any(project, capsys):
    project.write(
        "limited.py",
        """
        from flasgo import Flasgo

        app = Flasgo(settings={"RATE_LIMIT_DEFAULT": ("100/60",)})

        @app.get("/login")
        @app.ratelimit(50, per=3600, scope="logins", key_func=str, strict=True)
        @app.ratelimit(5, per=60)
        def login(): ...

        @app.get("/")
        def home(): ...

        @app.get("/free")
        @app.ratelimit_exempt
        def free(): ...
        """,
    )
    assert main(["routes", "limited.py"]) == 0
    assert [
        line.split("  limited:")[0].split("  HANDLER")[0].rstrip() for line in capsys.readouterr().out.splitlines()
    ] == [
        "PATH    METHODS  NAME   LIMITS",
        "/       GET      home   100/60s",
        "/free   GET      free",
        "/login  GET      login  5/60s, 50/3600s in 'logins' by key strict",
    ]


GUARDED = """
from flasgo import Flasgo, HasScope, bearer_token_backend, rate_limit, session_backend

app = Flasgo(settings={"SECRET_KEY": "of-the-tests-of-routes-0123456789ab"})
app.register_auth_backend("bearer", bearer_token_backend(lambda token: None))
app.register_auth_backend("login", session_backend(lambda id: None))

@app.post("/either", auth=["bearer", "login"])
def by_either(): ...

@app.get("/open")
def home(): ...

@app.post("/session", permissions=[HasScope("a") | ~HasScope("b")])
def by_session(): ...

@app.post("/token")
@app.authorize(HasScope("a"), backend="bearer")
@rate_limit(5, per=60)
def by_token(): ...

@app.post("/hook", csrf=False)
def hook(): ...
"""


def test_the_policies_are_listed(project, capsys):
    project.write("guarded.py", GUARDED)

    assert main(["routes", "guarded.py", "--policy"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "PATH      METHODS  PERMISSIONS                     BACKENDS       CSRF            LIMITS",
        "/either   POST     IsAuthenticated                 bearer, login  with a login    -",
        "/hook     POST     -                               -              off             -",
        "/open     GET      -                               -              -               -",
        "/session  POST     HasScope('a') | ~HasScope('b')  default        checked         -",
        "/token    POST     HasScope('a')                   bearer         with a session  5/60s",
    ]
    assert main(["routes", "guarded.py", "--policy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[4] == {
        "path": "/token",
        "methods": ["POST"],
        "permissions": ["HasScope('a')"],
        "backends": ["bearer"],
        "csrf": "with a session",
        "limits": ["5/60s"],
        "cors": None,
    }


def test_who_may_read_is_a_column_where_anybody_may(project, capsys):
    project.write(
        "guarded.py",
        GUARDED.replace('"/open"', '"/open", cors=CORS(origins=["https://a.example"])').replace(
            "import F", "import CORS, F"
        ),
    )

    assert main(["routes", "guarded.py", "--policy"]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.endswith("LIMITS  CORS")
    assert [line.split()[-1] for line in lines] == ["-", "-", "https://a.example", "-", "-"]
    assert main(["routes", "guarded.py", "--policy", "--json"]) == 0
    assert [row["cors"] for row in json.loads(capsys.readouterr().out)] == [None, None, "https://a.example", None, None]


def test_without_csrf_protection_the_policies_say_so(project, capsys):
    project.write("guarded.py", GUARDED.replace('"SECRET_KEY"', '"CSRF_ENABLED": False, "SECRET_KEY"'))

    assert main(["routes", "guarded.py", "--policy", "--json"]) == 0
    assert [row["csrf"] for row in json.loads(capsys.readouterr().out)] == ["off", "off", "-", "off", "off"]


def test_an_application_without_routes_says_so(shop, capsys):
    assert main(["routes", "shop.py", "--app", "empty"]) == 0
    assert capsys.readouterr().out == "No routes.\n"
    assert main(["routes", "shop.py", "--app", "empty", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_only_flasgos_routes_are_known(shop, capsys):
    assert main(["routes", "shop:plain"]) == 2
    assert capsys.readouterr().err == (
        "flasgo: 'shop:plain' is an ASGI application, but not of flasgo: only flasgo's routes are known.\n"
    )


def test_the_environment_file_is_read(project, capsys, monkeypatch):
    monkeypatch.delenv("SHOP_PATH", raising=False)
    project.write("shop.env", "SHOP_PATH=/books")
    project.write(
        "shop.py",
        "import os\nfrom flasgo import Flasgo\napp = Flasgo()\n@app.get(os.environ['SHOP_PATH'])\ndef books(): ...",
    )
    try:
        assert main(["routes", "shop.py", "--env-file", "shop.env"]) == 0
    finally:
        monkeypatch.delenv("SHOP_PATH", raising=False)
    assert "/books  GET" in capsys.readouterr().out
