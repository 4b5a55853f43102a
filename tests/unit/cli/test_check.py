"""`flasgo check` in a terminal: what it prints, and how it ends."""

import json

import pytest

from flasgo.cli.command import main

SOUND = 'settings={"SECRET_KEY": "q7Vd2mXoR9tLkZ4wPbE8sNcYh1JfGu6A", "ALLOWED_HOSTS": {"shop.example"}}'


@pytest.fixture
def shop(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    return project.write(
        "shop.py",
        f"""
        from flasgo import Flasgo

        app = Flasgo()
        sound = Flasgo({SOUND})
        broken = Flasgo()

        async def plain(scope, receive, send): ...

        @app.post("/books")
        async def add(): ...

        for number in range(12):
            app.add_route(f"/many/{{number}}", add, methods=["PUT"])

        @broken.get("/", auth="keys")
        def home(): ...

        """,
    )


def test_quiet_where_nothing_is_wrong(shop, capsys):
    assert main(["check", "shop.py:sound", "--deploy"]) == 0
    assert capsys.readouterr().out == "shop.py:sound: nothing found by 19 checks.\n"
    assert main(["check", "shop.py", "--app", "sound"]) == 0
    assert capsys.readouterr().out == "shop.py: nothing found by 3 checks; --deploy looks for more.\n"


def test_a_finding_has_id_severity_message_places_and_hint(shop, capsys):
    assert main(["check", "shop.py", "--deploy", "--workers", "2"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(
        "F001 error    SECRET_KEY is not set: every start makes another one, and whoever\n"
        "              was logged in no longer is.\n"
        "              Set SECRET_KEY, or FLASGO_SECRET_KEY where settings come from the\n"
    )
    assert (
        "F015 warning  Routes that change something, and ask nobody who he is:\n"
        "                POST /books  shop.py:10\n"
        "                PUT /many/0  shop.py:10\n"
    ) in out
    assert "                and 3 more\n" in out
    assert out.endswith("\n\n2 errors, 2 warnings.\n")
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out


def test_the_json_form_is_an_array_of_objects(shop, capsys):
    assert main(["check", "shop.py", "--deploy", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    assert all(list(one) == ["id", "severity", "message", "hint", "where"] for one in findings)
    assert [one["id"] for one in findings] == ["F001", "F004", "F015", "F019"]
    assert findings[2]["where"][0] == f"POST /books  {shop}:10"
    assert len(findings[2]["where"]) == 13

    assert main(["check", "shop.py:sound", "--deploy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_warnings_alone_end_well(shop, capsys):
    assert main(["check", "shop.py"]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_worth_knowing_is_a_note(project, capsys):
    keys = 'settings={"SECRET_KEY": "q7Vd2mXoR9tLkZ4wPbE8sNcYh1JfGu6A", "SECRET_KEY_FALLBACKS": [%s]}'
    old = ", ".join(f'"{letter}7Vd2mXoR9tLkZ4wPbE8sNcYh1JfGu6A"' for letter in "abc")
    project.write("shop.py", f"from flasgo import Flasgo\napp = Flasgo({keys % old})\n")
    assert main(["check", "shop.py", "--deploy"]) == 0
    assert capsys.readouterr().out.endswith(" 1 note.\n")

    limited = 'settings={"SESSION_STORE": "memory", "RATE_LIMIT_DEFAULT": ["5/60"]}'
    project.write("limited.py", f"from flasgo import Flasgo\napp = Flasgo({limited})\napp.get('/')(lambda: None)\n")
    main(["check", "limited.py", "--deploy"])
    assert capsys.readouterr().out.endswith(" 2 notes.\n")


def test_what_cannot_be_frozen_is_an_error(shop, capsys):
    assert main(["check", "shop.py:broken"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("F000 error    ")
    assert "no auth backend is named 'keys'" in " ".join(out.split())
    assert out.endswith("\n1 error.\n")


@pytest.mark.parametrize("target", ["nothing.py", "shop.py:nobody", "shop.py:", "shop.py:plain"])
def test_a_target_that_is_none_ends_with_2(shop, capsys, target):
    assert main(["check", target]) == 2
    out, err = capsys.readouterr()
    assert (out, err[:8], err.count("\n")) == ("", "flasgo: ", 1)


def test_a_settings_error_is_told_as_by_flasgo_run(project, capsys):
    project.write("shop.py", 'from flasgo import Flasgo\napp = Flasgo(settings={"SECRET_KEY": "short"})\n')

    assert main(["check", "shop.py", "--deploy"]) == 2
    assert "SECRET_KEY must have 32 to 4096 characters" in capsys.readouterr().err


def test_what_the_users_code_raises_has_its_place(project, capsys):
    project.write(
        "shop.py",
        """
        from flasgo import Flasgo

        app = Flasgo(settings={"DEFAULT_PERMISSIONS": ("shop_permissions:staff",)})
        """,
    )
    project.write("shop_permissions.py", "1 / 0")

    assert main(["check", "shop.py"]) == 2
    assert "'shop.py' could not be checked: ZeroDivisionError: division by zero (shop_permissions.py:1)" in (
        capsys.readouterr().err
    )


def test_the_environment_file_is_read(project, capsys, monkeypatch):
    for name in ("FLASGO_SECRET_KEY", "FLASGO_ALLOWED_HOSTS"):  # what the file sets is gone after the test
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    project.write("shop.env", "FLASGO_SECRET_KEY=q7Vd2mXoR9tLkZ4wPbE8sNcYh1JfGu6A\nFLASGO_ALLOWED_HOSTS=shop.example")
    project.write("shop.py", "from flasgo import Flasgo, Settings\napp = Flasgo(settings=Settings.from_env())\n")
    assert main(["check", "shop.py", "--deploy", "--env-file", "shop.env"]) == 0
    assert capsys.readouterr().out == "shop.py: nothing found by 19 checks.\n"
