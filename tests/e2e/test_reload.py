"""Reload as a user meets it: a server runs, a file is edited, the answer changes."""

import os
import signal

import pytest

pytestmark = pytest.mark.slow

APP = """
from flasgo import Flasgo

app = Flasgo(settings={{"DEBUG": {debug}}})

@app.get("/")
async def home() -> str:
    return "{answer}"

if __name__ == "__main__":
    app.run(port=0{run})
"""


def source(answer, *, debug=False, run=""):
    return APP.format(answer=answer, debug=debug, run=run)


STARTS = {
    "flasgo run --reload": (["-m", "flasgo", "run", "app.py", "--port", "0", "--reload"], {}),
    "flasgo run with DEBUG": (["-m", "flasgo", "run", "app:app", "--port", "0"], {"debug": True}),
    "flasgo run --reload-dir": (["-m", "flasgo", "run", "app", "--port", "0", "--reload-dir", "."], {}),
    "python app.py": (["app.py"], {"run": ", reload=True"}),
    "python app.py with DEBUG": (["app.py"], {"debug": True}),
    "python -m app": (["-m", "app"], {"run": ", reload=True"}),
}


def start(workshop, way, answer):
    """Write the application and start it in one of the ways that reload; the server, and what edits the answer."""
    arguments, options = STARTS[way]

    def edit(answer):
        workshop.write("app.py", source(answer, **options))

    edit(answer)
    return workshop.start(*arguments), edit


@pytest.mark.parametrize("way", STARTS)
def test_an_edit_changes_the_answer_on_the_same_address_and_ctrl_c_ends_both_processes(workshop, way):
    server, edit = start(workshop, way, "one")
    url = server.url
    assert server.get() == (200, "one")
    (before,) = server.children()

    edit("two")
    server.wait_for_line("flasgo: app.py changed, starting again")
    server.wait_until_gone(before)
    assert server.get() == (200, "two")
    assert server.url == url

    (child,) = server.children()
    assert server.stop(group=True) == 0
    server.wait_until_gone(child)
    assert "Traceback" not in server.said


@pytest.mark.parametrize("way", ["flasgo run --reload", "python app.py"])
def test_a_broken_edit_is_survived_and_mended(workshop, way):
    server, edit = start(workshop, way, "one")
    assert server.get() == (200, "one")

    workshop.write("app.py", "def broken(:")
    server.wait_for_line("SyntaxError")
    server.wait_for_line("waiting for an edit")
    assert server.children() == []

    workshop.write("app.py", "import no_such_module")
    server.wait_for_line("no_such_module")
    server.wait_for_line("waiting for an edit", times=2)

    edit("mended")
    assert server.get() == (200, "mended")
    assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_supervisor_alone_ends_both_processes(workshop, number):
    workshop.write("app.py", source("one"))
    server = workshop.serve("app.py", "--reload")
    assert server.get() == (200, "one")
    (child,) = server.children()
    assert server.stop(number) == 0
    server.wait_until_gone(child)


def test_the_child_ends_when_the_supervisor_is_killed(workshop):
    workshop.write("app.py", source("one"))
    server = workshop.serve("app.py", "--reload")
    assert server.get() == (200, "one")
    (child,) = server.children()
    server.stop(signal.SIGKILL)
    server.wait_until_gone(child)


def test_a_child_that_is_ended_ends_the_supervisor(workshop):
    workshop.write("app.py", source("one"))
    server = workshop.serve("app.py", "--reload")
    assert server.get() == (200, "one")
    (child,) = server.children()
    os.kill(child, signal.SIGTERM)
    assert server.process.wait(30) == 0


def test_an_edited_environment_file_counts(workshop):
    workshop.write(".env", "ANSWER=one")
    workshop.write("app.py", source("one").replace('"one"', "__import__('os').environ['ANSWER']"))
    server = workshop.serve("app.py", "--reload")
    assert server.get() == (200, "one")
    workshop.write(".env", "ANSWER=two")
    server.wait_for_line("flasgo: .env changed, starting again")
    server.wait_for_line("flasgo: serving app.py on ", times=2)
    assert server.get() == (200, "two")


def test_an_edit_of_a_package_file_and_of_a_template_counts_and_of_a_log_does_not(workshop):
    workshop.write("shop/__init__.py", "")
    workshop.write("shop/web.py", source("one").replace("app.run(port=0)", "pass"))
    workshop.write("texts/home.html", "one")
    server = workshop.serve("shop/web.py", "--reload")
    assert server.get() == (200, "one")
    workshop.write("server.log", "a line")
    workshop.write("texts/home.html", "two")
    server.wait_for_line("texts/home.html changed")
    workshop.write("shop/texts.py", "")
    server.wait_for_line("shop/texts.py changed")
    assert "server.log" not in server.said


def test_requests_during_a_restart_wait_and_are_answered(workshop):
    workshop.write("app.py", source("one"))
    server = workshop.serve("app.py", "--reload")
    assert server.get() == (200, "one")
    (before,) = server.children()
    workshop.write("app.py", "import time; time.sleep(1)\n" + source("two"))
    server.wait_until_gone(before)
    assert server.get() == (200, "two")
