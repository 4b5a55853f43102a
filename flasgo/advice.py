"""What is said to those who write a name of Flask's that is not here: where it went. Each is one sentence with its cure.

The sentences are for the developer; MIGRATING_FROM_FLASK.md has a table of all names.
"""

import sys
from collections.abc import Mapping
from typing import NoReturn

IMPORTED: Mapping[str, str] = {
    "Config": "subclass flasgo.Settings: typed, frozen, and read with from_env().",
    "Flask": "write `from flasgo import Flasgo` and `app = Flasgo()`, without an import name.",
    "Markup": "write `from markupsafe import Markup`.",
    "appcontext_popped": "there are no signals: use hooks.",
    "appcontext_pushed": "there are no signals: use hooks.",
    "appcontext_tearing_down": "there are no signals: use app.teardown_request.",
    "before_render_template": "there are no signals: use app.context_processor.",
    "copy_current_request_context": "leave it out: threads of the pool and tasks have the request; for work after the answer take BackgroundTasks.",
    "escape": "write `from markupsafe import escape`.",
    "get_template_attribute": "write app.templates.get_template(name).module.attribute.",
    "got_request_exception": "there are no signals: use app.errorhandler, or the logger flasgo.errors.",
    "json": "return the value, or write jsonify(value).",
    "message_flashed": "there are no signals.",
    "render_template_string": "write the template into a file: text that is put together and then rendered is template injection (CWE-1336).",
    "request_finished": "there are no signals: use app.after_request.",
    "request_started": "there are no signals: use app.before_request.",
    "request_tearing_down": "there are no signals: use app.teardown_request.",
    "safe_join": "write send_from_directory(folder, name), which never leaves the folder.",
    "secure_filename": "the filename of an UploadedFile has been through that already.",
    "stream_template_string": "write the template into a file, and stream_template(name).",
    "stream_with_context": "leave it out: return the iterator, which has the request.",
    "template_rendered": "there are no signals.",
}

SETTINGS = "settings are one frozen object: pass Flasgo(settings=…) or Settings.from_env(), and read"

APPLICATION: Mapping[str, str] = {
    "add_url_rule": "write app.add_route(path, function, methods=[…], name=…).",
    "before_first_request": "write an async generator function with @app.lifespan.",
    "config": f"{SETTINGS} app.settings.NAME, or app.settings.get('NAME') for names of your own.",
    "debug": f"{SETTINGS} app.settings.DEBUG.",
    "ensure_sync": "leave it out: handlers of both kinds are called rightly.",
    "endpoint": "write @app.route(path, name=…): a route has its function.",
    "import_name": "there is none: folders are paths.",
    "instance_path": "write a Path of your own, from a setting.",
    "iter_blueprints": "app.routes says of each route which blueprint it belongs to.",
    "jinja_env": "write app.add_template_filter(function, name) and its kin, or app.templates.environment.",
    "jinja_options": "write app.configure_templates(folder, …).",
    "json": "codecs read and write classes of your own: Flasgo(codecs=[…]).",
    "json_provider_class": "codecs read and write classes of your own: Flasgo(codecs=[…]).",
    "logger": "write logging.getLogger(__name__).",
    "make_response": "write `from flasgo import make_response`.",
    "open_instance_resource": "write Path(__file__).parent / name.",
    "open_resource": "write Path(__file__).parent / name, or importlib.resources.",
    "permanent_session_lifetime": f"{SETTINGS} app.settings.SESSION_COOKIE_MAX_AGE, in seconds.",
    "redirect": "write `from flasgo import redirect`.",
    "register_error_handler": "write app.errorhandler(kind)(function).",
    "request_context": "write app.test_client(): what needs a request is tested through the client.",
    "root_path": "write Path(__file__).parent.",
    "secret_key": "write Flasgo(settings={'SECRET_KEY': …}), or set FLASGO_SECRET_KEY and read Settings.from_env().",
    "send_static_file": "write send_from_directory(folder, name).",
    "session_interface": "set SESSION_STORE, or pass Flasgo(session_store=…).",
    "shell_context_processor": "`flasgo shell` has all names of the application's module.",
    "static_folder": "write Flasgo(static_folder=…), or app.configure_static(folder).",
    "test_cli_runner": "write flasgo.cli.testing.invoke(app, [name, …]).",
    "test_request_context": "write app.test_client(): what needs a request is tested through the client.",
    "testing": "leave it out; app.test_client(raise_server_exceptions=True) raises what a handler raises.",
    "url_defaults": "a prefix may hold placeholders, which handlers take.",
    "url_map": "app.routes has every route, as data.",
    "url_value_preprocessor": "a prefix may hold placeholders, which handlers take.",
    "view_functions": "app.routes has every route with its endpoint.",
    "wsgi_app": "the application itself is the ASGI callable: app = Middleware(app).",
}

BLUEPRINT: Mapping[str, str] = {
    "add_app_template_filter": "write blueprint.add_template_filter: it holds in every template.",
    "add_app_template_global": "write blueprint.add_template_global: it holds in every template.",
    "add_app_template_test": "write blueprint.add_template_test: it holds in every template.",
    "add_url_rule": "write blueprint.add_route(path, function, methods=[…], name=…).",
    "app_template_filter": "write blueprint.template_filter: it holds in every template.",
    "app_template_global": "write blueprint.template_global: it holds in every template.",
    "app_template_test": "write blueprint.template_test: it holds in every template.",
    "before_app_first_request": "write an async generator function with @app.lifespan.",
    "endpoint": "write @blueprint.route(path, name=…): a route has its function.",
    "open_resource": "write Path(__file__).parent / name, or importlib.resources.",
    "record": "write a function that takes the application, and call it where you register the blueprint.",
    "record_once": "write a function that takes the application, and call it where you register the blueprint.",
    "register_error_handler": "write blueprint.errorhandler(kind)(function).",
    "root_path": "write Path(__file__).parent.",
    "send_static_file": "write send_from_directory(folder, name).",
}

REQUEST: Mapping[str, str] = {
    "accept_languages": "write request.headers.get('accept-language').",
    "accept_mimetypes": "write request.headers.get('accept').",
    "access_route": "write request.client_ip; TRUSTED_PROXIES says whose forwarding headers are believed.",
    "authorization": "register a backend, such as basic_backend, and take a User.",
    "base_url": "write str(request.url), or request.url.path.",
    "content_length": "write request.headers.get('content-length').",
    "data": "write `await request.body()`, or request.get_data() in a plain handler.",
    "environ": "write request.scope.",
    "full_path": "write request.url.path and request.query_string.",
    "host_url": "write url_for(endpoint, _external=True).",
    "is_json": "write request.content_type == 'application/json'.",
    "is_secure": "write request.scheme == 'https'.",
    "mimetype": "write request.content_type.",
    "remote_addr": "write request.client_ip; TRUSTED_PROXIES says whose forwarding headers are believed.",
    "remote_user": "write request.user.",
    "script_root": "write request.root_path.",
    "url_root": "write url_for(endpoint, _external=True).",
    "url_rule": "write request.endpoint, its name.",
    "user_agent": "write request.headers.get('user-agent').",
    "values": "write request.args for the query and request.form for the form: who may set them is not the same.",
    "view_args": "write request.path_params.",
}


def missing(owner: str, name: str, cures: Mapping[str, str]) -> AttributeError:
    """The error for a name that is not there, with its cure where it is one of Flask's."""
    cure = f": {cures[name]}" if name in cures else ""
    return AttributeError(f"{owner} has no attribute {name!r}{cure}", name=name)


def refuse_import(name: str) -> NoReturn:
    """Say of a name that the package does not have where it went; called by the package's `__getattr__`.

    Raises ImportError where an import statement asks, in whose own error nothing could be said; else AttributeError.
    """
    error = missing("module 'flasgo'", name, IMPORTED)
    asker = sys._getframe(2).f_globals.get("__name__")  # noqa: SLF001 - who asks decides what is raised
    if name in IMPORTED and asker == "importlib._bootstrap":
        raise ImportError(f"flasgo has no name {name!r}: {IMPORTED[name]}", name="flasgo")
    raise error


def advise(kind: type, cures: Mapping[str, str], *, setting: bool = False) -> None:
    """Let a class say where names of Flask's went; with `setting` also when they are set, which nobody would see.

    Each is put there afterwards, so that type checkers go on knowing what the class has; and by itself, for a `__getattr__` would
    make every attribute of every request slower (CPython no longer specialises the lookup).
    """
    gone = _Closed if setting else _Gone
    for name in cures.keys() - dir(kind):
        type.__setattr__(kind, name, gone(name, cures))


class _Gone:
    """A name that is not there: whoever asks is told where it went."""

    def __init__(self, name: str, cures: Mapping[str, str]) -> None:
        self.name = name
        self.cures = cures

    def __get__(self, owner: object, kind: type) -> NoReturn:
        raise missing(
            f"type object {kind.__name__!r}" if owner is None else f"{kind.__name__!r} object", self.name, self.cures
        )


class _Closed(_Gone):
    """One that cannot be put there either."""

    def __set__(self, owner: object, value: object) -> None:
        raise missing(f"{type(owner).__name__!r} object", self.name, self.cures)
