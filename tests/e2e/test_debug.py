"""DEBUG on the command line: refused where others can reach it."""

SOURCE = """
    from flasgo import Flasgo

    app = Flasgo(settings={"SECRET_KEY": "test-debug-0123456789abcdefghijklmn", "DEBUG": True})

    if __name__ == "__main__":
        app.run(host="0.0.0.0", port=0, reload=False)
"""


def test_debug_serves_only_this_machine(workshop):
    workshop.write("app.py", SOURCE)
    ended = workshop.flasgo("run", "app.py", "--no-reload", "--host", "0.0.0.0", "--port", "0")
    assert ended.returncode == 2
    assert (
        ended.stderr
        == "flasgo: DEBUG is on, and others can reach 0.0.0.0: set DEBUG to False, or serve on 127.0.0.1.\n"
    )


def test_debug_is_refused_in_production(workshop):
    workshop.write("app.py", SOURCE)
    workshop.environment["FLASGO_ENV"] = "production"
    ended = workshop.flasgo("run", "app.py", "--no-reload", "--port", "0")
    assert ended.returncode == 2
    assert "DEBUG must be off where FLASGO_ENV is production" in ended.stderr
    assert "Traceback (most" not in ended.stderr.splitlines()[0]
