import sys
from pathlib import Path

import pytest

from flasgo import Flasgo
from flasgo.cli.target import Target, load_app, load_target, locate
from flasgo.errors import ConfigurationError

APP = "from flasgo import Flasgo\napp = Flasgo()\n"


def refusal(target, **options):
    """The one sentence of a failure, and its cause."""
    with pytest.raises(ConfigurationError) as error:
        load_target(target, **options)
    return str(error.value), error.value.__cause__


# --- where it is found -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["app.py", "./app.py", "app", "app.py:app", "app:app"])
def test_a_file_or_a_module_of_the_working_directory_is_found(project, target):
    project.write("app.py", APP)
    assert isinstance(load_target(target), Flasgo)


def test_a_file_is_found_by_its_absolute_path(project, tmp_path):
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text(APP)
    sys.modules.pop("elsewhere", None)
    assert isinstance(load_target(str(elsewhere)), Flasgo)
    assert sys.modules.pop("elsewhere").__file__ == str(elsewhere)


def test_a_file_in_a_folder_imports_its_neighbours_and_the_working_directory(project):
    project.write("shared.py", "from flasgo import Flasgo")
    project.write("sites/models.py", "from shared import Flasgo")
    project.write("sites/site_app.py", "from models import Flasgo\napp = Flasgo()")
    assert isinstance(load_target("sites/site_app.py"), Flasgo)
    assert sys.path[:2] == [str(project.root / "sites"), str(project.root)]


def test_neighbours_may_import_the_file_back(project):
    project.write("app.py", APP + "import views")
    project.write("views.py", "import app\nassert app.app")
    assert load_target("app.py") is sys.modules["app"].app


def test_a_file_in_a_package_is_imported_as_part_of_it(project):
    project.write("shop/__init__.py")
    project.write("shop/web/__init__.py")
    project.write("shop/models.py", "NAME = 'shop'")
    project.write("shop/web/site.py", APP + "from ..models import NAME\napp.name = NAME")
    assert locate("shop/web/site.py").module == "shop.web.site"
    assert load_target("shop/web/site.py") is load_target("shop.web.site:app")


def test_the_file_of_a_package_is_the_package(project):
    project.write("shop/__init__.py", APP)
    assert locate("shop/__init__.py") == Target(
        place="shop/__init__.py", module="shop", root=project.root, path=project.root / "shop" / "__init__.py"
    )
    assert load_target("shop/__init__.py") is load_target("shop")


def test_a_package_is_found_though_its_folder_has_the_same_name(project):
    project.write("shop/__init__.py", APP)
    assert isinstance(load_target("shop"), Flasgo)


def test_a_module_is_found_beside_a_plain_folder_of_its_name(project):
    project.write("shop/templates/page.html")
    project.write("shop.py", APP)
    assert isinstance(load_target("shop"), Flasgo)


def test_a_name_that_python_could_not_write_is_fine_for_a_file(project):
    project.write("my-app.py", APP)
    assert isinstance(load_target("my-app.py"), Flasgo)


def test_the_working_directory_comes_first_once(project):
    project.write("app.py", APP)
    load_target("app.py")
    load_target("app.py")
    assert sys.path.count(str(project.root)) == 1
    assert sys.path[0] == str(project.root)


# --- which name it has -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["app", "application", "anything"])
def test_without_a_name_the_usual_ones_and_the_only_application_are_found(project, name):
    project.write("site_app.py", f"from flasgo import Flasgo\n{name} = Flasgo()\nother = 1")
    assert load_target("site_app") is vars(sys.modules["site_app"])[name]


def test_the_only_application_may_have_two_names(project):
    project.write("site_app.py", "from flasgo import Flasgo\none = two = Flasgo()")
    assert isinstance(load_target("site_app"), Flasgo)


@pytest.mark.parametrize("name", ["create_app", "make_app"])
def test_without_an_application_the_usual_factories_are_called(project, name):
    project.write("site_app.py", f"from flasgo import Flasgo\ndef {name}(debug=False): return Flasgo()")
    assert isinstance(load_target("site_app"), Flasgo)


def test_a_submodule_named_app_is_no_application(project):
    project.write("shop/__init__.py", "from . import app\nfrom .app import api")
    project.write("shop/app.py", "from flasgo import Flasgo\napi = Flasgo()")
    assert isinstance(load_target("shop"), Flasgo)


@pytest.mark.parametrize(
    "target", ["app.py:api", "app:api", "app:site.api", "app:build", "app:build()", "app:site.build()", "app:Factory"]
)
def test_a_name_after_the_colon_may_be_dotted_and_that_of_a_factory(project, target):
    project.write(
        "app.py",
        """
        from types import SimpleNamespace
        from flasgo import Flasgo
        api = Flasgo()
        def build(): return api
        class Factory(Flasgo):
            def __init__(self): super().__init__()
        site = SimpleNamespace(api=api, build=build)
        """,
    )
    assert isinstance(load_target(target), Flasgo)


def test_the_name_may_be_given_beside_the_target(project):
    project.write("app.py", "from flasgo import Flasgo\napp, api = Flasgo(), Flasgo()")
    assert load_target("app.py", app_name="api") is sys.modules["app"].api
    assert load_target("app.py:api", app_name="api") is sys.modules["app"].api


@pytest.mark.parametrize(
    "source",
    [
        "async def app(scope, receive, send): ...",
        "def app(scope, receive, send): ...",
        "async def app(*args): ...",
        "class Middleware:\n    async def __call__(self, scope, receive, send): ...\napp = Middleware()",
        "class Middleware:\n    async def __call__(self, scope, receive, send): ...\nwrapped = Middleware()",
        "class app:\n    def __init__(self, scope, receive, send): ...\n    def __await__(self): ...",
        "import functools\nasync def inner(site, scope, receive, send): ...\napp = functools.partial(inner, 1)",
    ],
)
def test_any_asgi_application_may_be_served(project, source):
    project.write("plain.py", source)
    app = load_target("plain")
    module = vars(sys.modules["plain"])
    assert app is module.get("app", module.get("wrapped"))


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_missing_file_is_told_with_a_near_name(project):
    project.write("sites/main.py", APP)
    assert refusal("sites/man.py") == ("There is no Python file 'sites/man.py'. Did you mean 'sites/main.py'?", None)
    assert refusal("sites/main") == ("There is no Python file 'sites/main'. Did you mean 'sites/main.py'?", None)
    assert refusal("x.py") == ("There is no Python file 'x.py'. Check its name and the working directory.", None)


def test_a_missing_module_is_told_with_a_near_name(project):
    project.write("shop/__init__.py")
    project.write("shop/site.py", APP)
    said = "Check that it is on PYTHONPATH and imports cleanly."
    assert refusal("shopp") == (f"There is no module 'shopp'. {said} Did you mean 'shop'?", None)
    assert refusal("shop.sitee:app") == (f"There is no module 'shop.sitee'. {said} Did you mean 'shop.site'?", None)
    assert refusal("qqq.www") == (f"There is no module 'qqq'. {said}", None)


def test_a_folder_is_told_with_a_file_in_it(project):
    project.write("sites/__main__.py")
    assert refusal("sites")[0] == "'sites' is a folder: name the file in it, such as sites/app.py."
    project.write("sites/zoo.py")
    project.write("sites/main.py")
    assert refusal("sites/")[0] == "'sites/' is a folder: name the file in it, such as sites/main.py."
    project.write("sites/app.py")
    assert refusal("sites")[0] == "'sites' is a folder: name the file in it, such as sites/app.py."
    assert refusal(".")[0] == "'.' is a folder: name the file in it, such as app.py."


@pytest.mark.parametrize("target", ["my-app", "3rd", "a..b", "app ", "C:app"])
def test_what_is_neither_a_file_nor_a_module_is_told(project, target):
    assert "is neither a file nor a module" in refusal(target)[0] or "There is no module" in refusal(target)[0]


def test_a_windows_path_is_not_taken_apart_at_its_drive(project):
    assert refusal(r"C:\sites\app.py")[0].startswith(r"There is no Python file 'C:\\sites\\app.py'.")


def test_a_file_that_may_not_be_read_is_told(project, monkeypatch):
    project.write("app.py", APP)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal("app.py")[0] == "'app.py' cannot be read: Permission denied. Check its permissions."


def test_a_name_with_a_dot_cannot_be_imported(project):
    project.write("app.v2.py", APP)
    assert refusal("app.v2.py")[0] == "'app.v2.py' cannot be imported: rename what has a dot in its name before '.py'."


def test_a_name_that_python_uses_itself_cannot_be_imported(project):
    project.write("json.py", APP)
    assert refusal("json.py")[0] == (
        "'json.py' cannot be imported: Python has another module named 'json'. Rename the file."
    )


def test_a_name_that_runs_already_cannot_be_imported(project, monkeypatch):
    project.write("__main__.py", APP)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert "Python has another module named '__main__'" in refusal("__main__.py")[0]


@pytest.mark.parametrize("target", ["app.py:", "app:"])
def test_a_colon_needs_a_name(project, target):
    assert refusal(target)[0].startswith(f"{target!r} ends with a colon")


@pytest.mark.parametrize("name", ["a b", "1x", "create_app(1)", "()", ".app", "app."])
def test_a_name_that_is_no_name_is_told(project, name):
    project.write("app.py", APP)
    said, _ = refusal(f"app.py:{name}")
    assert "is not the name of an application" in said
    assert "pass `--app` with the correct variable name" in said


def test_two_different_names_are_told(project):
    project.write("app.py", APP)
    assert refusal("app.py:app", app_name="api")[0] == (
        "The application is named twice, 'app' and 'api': leave out one of them."
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [("aplication", " Did you mean 'application'?"), ("zzz", ""), ("application.zzz", "")],
)
def test_a_missing_attribute_is_told_with_a_near_name(project, name, hint):
    project.write("app.py", "from flasgo import Flasgo\napplication = Flasgo()")
    assert refusal(f"app.py:{name}") == (
        f"'app.py' has no attribute {name!r}: pass `--app` with the correct variable name.{hint}",
        None,
    )


def test_a_module_without_application_is_told(project):
    project.write("site_app.py", "def handler(a, b, c): ...\nasync def another(a, b, c): ...\nclass Book: ...")
    assert refusal("site_app") == (
        "'site_app' has no application named app or application: pass `--app` with the correct variable name.",
        None,
    )


def test_a_module_with_several_applications_is_told(project):
    project.write("site_app.py", "from flasgo import Flasgo\nshop, admin = Flasgo(), Flasgo()")
    assert refusal("site_app")[0] == (
        "'site_app' has several applications (admin, shop): pass `--app` with the correct variable name."
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("app = {}", "'app' in 'bad' is not an ASGI application but of type dict: pass `--app` "),
        (
            "def app(environ, start_response): ...",
            "'app' in 'bad' needs arguments that nobody gives: an application takes ",
        ),
        ("class app:\n    def __init__(self, a, b, c): ...", "'app' in 'bad' needs arguments that nobody gives: "),
        ("async def app(scope): ...", "'app' in 'bad' needs arguments that nobody gives: "),
        ("async def app(): ...", "'app' in 'bad' is an async factory: make it a plain function, and "),
        (
            "async def make(): ...\ndef wrap(f): return lambda: f()\napp = wrap(make)",
            "'app' in 'bad' is an async factory: ",
        ),
        ("def app(): return 3", "'app' in 'bad' did not return an ASGI application but a value of type int."),
        ("def app(): return app", "'app' in 'bad' did not return an ASGI application but a value of type function."),
    ],
)
def test_what_is_no_application_is_told(project, source, said):
    project.write("bad.py", source)
    sentence, cause = refusal("bad")
    assert sentence.startswith(said)
    assert cause is None


def test_parentheses_call_even_what_looks_like_an_application(project):
    project.write("bad.py", "async def app(scope, receive, send): ...")
    assert "needs arguments that nobody gives" in refusal("bad:app()")[0]


# --- what the user's own code raises ---------------------------------------------------------------------------------


def test_an_error_in_the_module_is_told_with_its_place_and_its_traceback_from_there(project):
    project.write("app.py", "import helper")
    project.write("helper.py", "\n\ndef go():\n    int('x')\n\ngo()")
    said, cause = refusal("app.py")
    assert said == (
        "'app.py' failed while it was imported: ValueError: invalid literal for int() with base 10: 'x' (helper.py:4). "
        "Check that it is on PYTHONPATH and imports cleanly."
    )
    assert isinstance(cause, ValueError)
    assert cause.__traceback__ is not None
    assert cause.__traceback__.tb_frame.f_code.co_filename == str(project.root / "app.py")


def test_the_place_is_the_users_and_not_that_of_the_library_it_calls(project):
    project.write("app.py", "import json\n\njson.loads('{')")
    assert "(app.py:3)" in refusal("app.py")[0]


def test_a_module_that_the_users_module_misses_is_the_users_error(project):
    project.write("app.py", "import no_such_thing")
    said, cause = refusal("app.py")
    assert "ModuleNotFoundError: No module named 'no_such_thing' (app.py:1)" in said
    assert isinstance(cause, ModuleNotFoundError)


def test_a_module_that_ends_the_program_is_told(project):
    project.write("app.py", "raise SystemExit")
    assert refusal("app.py")[0].startswith("'app.py' failed while it was imported: SystemExit (app.py:1).")


def test_a_factory_that_fails_is_told(project):
    project.write("app.py", "def create_app():\n    raise KeyError('DATABASE_URL')")
    said, cause = refusal("app.py")
    assert said.startswith("'create_app' in 'app.py' failed while it was called: KeyError: 'DATABASE_URL' (app.py:2).")
    assert isinstance(cause, KeyError)


@pytest.mark.parametrize("module", ["app.py", "broken.py"])
def test_a_syntax_error_is_told_by_file_and_line(project, module):
    project.write("app.py", "import broken")
    project.write(module, "\ndef handler(:\n    pass")
    said, cause = refusal("app.py")
    assert said.startswith(f"{module}:2: SyntaxError: ")
    assert said.endswith(": def handler(:")
    assert cause is None


def test_a_syntax_error_without_its_line_is_told_by_its_place(project):
    project.write("app.py", "raise SyntaxError('odd')")
    assert refusal("app.py")[0].startswith("'app.py' failed while it was imported: SyntaxError: odd (app.py:1).")


def test_a_syntax_error_of_a_file_that_is_no_text_is_told(project):
    project.write("app.py").write_bytes(b"\xff\xfe\x00")
    assert "app.py" in refusal("app.py")[0]


def test_flasgos_own_sentences_come_with_their_place_and_without_traceback(project):
    project.write("app.py", "from flasgo import Flasgo\n\napp = Flasgo(settings={'SECRET_KEY': 'short'})")
    said, cause = refusal("app.py")
    assert said.startswith("app.py:3: ")
    assert "SECRET_KEY" in said
    assert cause is None


def test_a_sentence_that_names_its_place_is_not_given_it_twice(project):
    project.write(
        "app.py", "from flasgo.errors import RegistrationError\nraise RegistrationError('app.py:2: handler(): bad')"
    )
    assert refusal("app.py")[0] == "app.py:2: handler(): bad"


def test_a_module_that_serves_while_it_is_imported_is_told(project):
    project.write("app.py", APP + "app.run()")
    said, _ = refusal("app.py")
    assert said == (
        "app.py:3: The module serves its application while it is imported: "
        "put app.run() under `if __name__ == '__main__':`."
    )


def test_an_interrupt_is_not_swallowed(project):
    project.write("app.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_target("app.py")


# --- load_app --------------------------------------------------------------------------------------------------------


def test_load_app_leaves_with_the_sentence(project):
    project.write("app.py", "from flasgo import Flasgo\napp, api = Flasgo(), Flasgo()")
    assert load_app("app.py") is sys.modules["app"].app
    assert load_app("app", app_name="api") is sys.modules["app"].api
    with pytest.raises(SystemExit, match="pass `--app` with the correct variable name"):
        load_app("app", app_name="missing")
    with pytest.raises(SystemExit, match="Check that it is on PYTHONPATH and imports cleanly"):
        load_app("no_such_module:app")
