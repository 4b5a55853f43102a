"""What is said to those who write a name of Flask's or FastAPI's that is not here: where it went. Each is one sentence with its cure.

The sentences are for the developer; MIGRATING_FROM_FLASK.md has a table of all names, docs/guides/from-fastapi.md of the common ones.
"""

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import NoReturn

RETURNED = (
    "return the value: the handler's return annotation says how it is encoded; jsonify(value) makes a Response of it."
)

IMPORTED: Mapping[str, str] = {
    "APIKeyHeader": "write app.register_auth_backend('key', api_key_backend(find)), and auth='key' on the routes.",
    "APIRouter": "write `from flasgo import Blueprint`.",
    "BackgroundTask": "take a parameter `tasks: BackgroundTasks`, and write tasks.add(function, …).",
    "BaseModel": "write `from msgspec import Struct`, or use a dataclass, an attrs class or a TypedDict.",
    "CORSMiddleware": "write cors=CORS(origins=[…]) on routes and blueprints, or set CORS_ORIGINS.",
    "Config": "subclass flasgo.Settings: typed, frozen, and read with from_env().",
    "FastAPI": "write `from flasgo import Flasgo` and `app = Flasgo()`.",
    "Field": "write `from msgspec import Meta`, and `Annotated[int, Meta(ge=1)]`.",
    "Flask": "write `from flasgo import Flasgo` and `app = Flasgo()`, without an import name.",
    "HTMLResponse": "return what says of itself that it is HTML: render_template(…), Markup, or Response.html(…).",
    "HTTPBasic": "write app.register_auth_backend('basic', basic_backend(find)), and auth='basic' on the routes.",
    "HTTPBearer": "write app.register_auth_backend('bearer', bearer_token_backend(find)), and auth='bearer' on the routes.",
    "JSONResponse": RETURNED,
    "Jinja2Templates": "write app.configure_templates(folder), and render_template(name, …).",
    "Markup": "write `from markupsafe import Markup`.",
    "OAuth2PasswordBearer": "write app.register_auth_backend('bearer', bearer_token_backend(find)), and auth='bearer' on the routes.",
    "ORJSONResponse": RETURNED,
    "PlainTextResponse": "return a str: it is text/plain.",
    "RedirectResponse": "write redirect(target).",
    "RequestValidationError": "write ValidationFailed: its issues are all that is wrong.",
    "Security": "write auth=… and permissions=[HasScope(…)] on the route.",
    "StaticFiles": "write Flasgo(static_folder=…), or app.configure_static(folder).",
    "UploadFile": "write `from flasgo import UploadedFile`.",
    "WebSocket": "there are no WebSockets yet.",
    "appcontext_popped": "there are no signals: use hooks.",
    "appcontext_pushed": "there are no signals: use hooks.",
    "appcontext_tearing_down": "there are no signals: use app.teardown_request.",
    "before_render_template": "there are no signals: use app.context_processor.",
    "copy_current_request_context": "leave it out: threads of the pool and tasks have the request; for work after the answer take BackgroundTasks.",
    "escape": "write `from markupsafe import escape`.",
    "get_template_attribute": "write app.templates.get_template(name).module.attribute.",
    "got_request_exception": "there are no signals: use app.errorhandler, or the logger flasgo.errors.",
    "json": "return the value, or write jsonify(value).",
    "jsonable_encoder": "write msgspec.to_builtins(value).",
    "message_flashed": "there are no signals.",
    "render_template_string": "write the template into a file: text that is put together and then rendered is template injection (CWE-1336).",
    "request_finished": "there are no signals: use app.after_request.",
    "request_started": "there are no signals: use app.before_request.",
    "request_tearing_down": "there are no signals: use app.teardown_request.",
    "run_in_threadpool": "plain handlers, providers and hooks are in a thread; elsewhere write asyncio.to_thread(function).",
    "safe_join": "write send_from_directory(folder, name), which never leaves the folder.",
    "secure_filename": "the filename of an UploadedFile has been through that already.",
    "status": "write the number, or http.HTTPStatus.",
    "stream_template_string": "write the template into a file, and stream_template(name).",
    "stream_with_context": "leave it out: return the iterator, which has the request.",
    "template_rendered": "there are no signals.",
}

SETTINGS = "settings are one frozen object: pass Flasgo(settings=…) or Settings.from_env(), and read"

APPLICATION: Mapping[str, str] = {
    "add_api_route": "write app.add_route(path, function, methods=[…]).",
    "add_exception_handler": "write app.errorhandler(kind)(function).",
    "add_middleware": "write hooks, or wrap the application: app = Middleware(app).",
    "add_url_rule": "write app.add_route(path, function, methods=[…], name=…).",
    "api_route": "write @app.route(path, methods=[…]).",
    "before_first_request": "write an async generator function with @app.lifespan.",
    "config": f"{SETTINGS} app.settings.NAME, or app.settings.get('NAME') for names of your own.",
    "debug": f"{SETTINGS} app.settings.DEBUG.",
    "dependency_overrides": "write `with app.override_dependencies({provider: other}):`.",
    "endpoint": "write @app.route(path, name=…): a route has its function.",
    "ensure_sync": "leave it out: handlers of both kinds are called rightly.",
    "exception_handler": "write @app.errorhandler(kind).",
    "import_name": "there is none: folders are paths.",
    "include_router": "write app.register_blueprint(blueprint, url_prefix=…).",
    "instance_path": "write a Path of your own, from a setting.",
    "iter_blueprints": "app.routes says of each route which blueprint it belongs to.",
    "jinja_env": "write app.add_template_filter(function, name) and its kin, or app.templates.environment.",
    "jinja_options": "write app.configure_templates(folder, …).",
    "json": "codecs read and write classes of your own: Flasgo(codecs=[…]).",
    "json_provider_class": "codecs read and write classes of your own: Flasgo(codecs=[…]).",
    "logger": "write logging.getLogger(__name__).",
    "make_response": "write `from flasgo import make_response`.",
    "middleware": "write @app.before_request and @app.after_request, or wrap the application: app = Middleware(app).",
    "mount": "write app.configure_static(folder) for files, and app.register_blueprint(blueprint) for parts of an application.",
    "on_event": "write an async generator function with @app.lifespan.",
    "open_instance_resource": "write Path(__file__).parent / name.",
    "open_resource": "write Path(__file__).parent / name, or importlib.resources.",
    "openapi": "write app.openapi_spec().",
    "openapi_schema": "write app.openapi_spec().",
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
    "url_path_for": "write url_for(endpoint, …).",
    "url_value_preprocessor": "a prefix may hold placeholders, which handlers take.",
    "view_functions": "app.routes has every route with its endpoint.",
    "websocket": "there are no WebSockets yet.",
    "wsgi_app": "the application itself is the ASGI callable: app = Middleware(app).",
}

BLUEPRINT: Mapping[str, str] = {
    "add_api_route": "write blueprint.add_route(path, function, methods=[…]).",
    "add_app_template_filter": "write blueprint.add_template_filter: it holds in every template.",
    "add_app_template_global": "write blueprint.add_template_global: it holds in every template.",
    "add_app_template_test": "write blueprint.add_template_test: it holds in every template.",
    "add_url_rule": "write blueprint.add_route(path, function, methods=[…], name=…).",
    "api_route": "write @blueprint.route(path, methods=[…]).",
    "app_template_filter": "write blueprint.template_filter: it holds in every template.",
    "app_template_global": "write blueprint.template_global: it holds in every template.",
    "app_template_test": "write blueprint.template_test: it holds in every template.",
    "before_app_first_request": "write an async generator function with @app.lifespan.",
    "endpoint": "write @blueprint.route(path, name=…): a route has its function.",
    "include_router": "write blueprint.register_blueprint(other, url_prefix=…).",
    "open_resource": "write Path(__file__).parent / name, or importlib.resources.",
    "prefix": "write blueprint.url_prefix.",
    "record": "write a function that takes the application, and call it where you register the blueprint.",
    "record_once": "write a function that takes the application, and call it where you register the blueprint.",
    "register_error_handler": "write blueprint.errorhandler(kind)(function).",
    "root_path": "write Path(__file__).parent.",
    "send_static_file": "write send_from_directory(folder, name).",
    "websocket": "there are no WebSockets yet.",
}

REQUEST: Mapping[str, str] = {
    "accept_languages": "write request.headers.get('accept-language').",
    "accept_mimetypes": "write request.headers.get('accept').",
    "access_route": "write request.client_ip; TRUSTED_PROXIES says whose forwarding headers are believed.",
    "auth": "write request.user.",
    "authorization": "register a backend, such as basic_backend, and take a User.",
    "base_url": "write str(request.url), or request.url.path.",
    "client": "write request.client_ip; TRUSTED_PROXIES says whose forwarding headers are believed.",
    "content_length": "write request.headers.get('content-length').",
    "data": "write `await request.body()`, or request.get_data() in a plain handler.",
    "environ": "write request.scope.",
    "full_path": "write request.url.path and request.query_string.",
    "host_url": "write url_for(endpoint, _external=True).",
    "is_disconnected": "leave it out: who reads a body or streams an answer to a client that left gets ClientDisconnected.",
    "is_json": "write request.content_type == 'application/json'.",
    "is_secure": "write request.scheme == 'https'.",
    "mimetype": "write request.content_type.",
    "remote_addr": "write request.client_ip; TRUSTED_PROXIES says whose forwarding headers are believed.",
    "remote_user": "write request.user.",
    "script_root": "write request.root_path.",
    "state": "write g.name, for as long as the request lasts.",
    "url_for": "write `from flasgo import url_for`.",
    "url_root": "write url_for(endpoint, _external=True).",
    "url_rule": "write request.endpoint, its name.",
    "user_agent": "write request.headers.get('user-agent').",
    "values": "write request.args for the query and request.form for the form: who may set them is not the same.",
    "view_args": "write request.path_params.",
}

UPLOAD: Mapping[str, str] = {
    "close": "leave it out: a file is closed when its request ends.",
    "file": "write `await upload.read()`, or `async for piece in upload:`.",
}

RESPONSE: Mapping[str, str] = {
    "background": "take a parameter `tasks: BackgroundTasks`, and write tasks.add(function, …).",
    "media_type": "write response.content_type.",
}

TASKS: Mapping[str, str] = {
    "add_task": "write tasks.add(function, …).",
}

ARGUMENTS: Mapping[str, str] = {
    "debug": "write settings={'DEBUG': True}.",
    "default_response_class": "return annotations say what is sent.",
    "dependencies": "write DEFAULT_PERMISSIONS, or @app.before_request.",
    "description": "write settings={'API_DESCRIPTION': …}.",
    "docs_url": "write settings={'ENABLE_DOCS': True, 'DOCS_PATH': '/docs'}.",
    "exception_handlers": "write @app.errorhandler(kind).",
    "import_name": "there is none: folders are paths.",
    "middleware": "write hooks, or wrap the application: app = Middleware(app).",
    "on_shutdown": "write lifespan=…, an async generator function.",
    "on_startup": "write lifespan=…, an async generator function.",
    "openapi_tags": "write settings={'API_TAGS': {name: description}}.",
    "openapi_url": "write settings={'ENABLE_DOCS': True, 'OPENAPI_PATH': '/openapi.json'}.",
    "root_path": "the server says it: flasgo run --root-path PATH.",
    "servers": "write settings={'API_SERVERS': […]}.",
    "template_folder": "write templates=folder.",
    "title": "write settings={'API_TITLE': …}.",
    "version": "write settings={'API_VERSION': …}.",
}
"""Arguments of Flasgo()."""

OPTIONS: Mapping[str, str] = {
    "dependencies": "a value is taken by a parameter, `Annotated[T, Depends(f)]`; what only refuses is a permission or a hook.",
    "prefix": "write url_prefix=….",
    "response_class": "the return annotation says it: str is text, Markup is HTML, a Response is sent as it is; produces={…} adds other forms.",
    "response_model": "the return annotation says it: `-> Book`.",
}
"""Options of a route or blueprint."""

MARKED: Mapping[str, str] = {
    name: f"write it beside: `Annotated[…, {{marker}}(), Meta({name}=…)]`, with `from msgspec import Meta`."
    for name in (
        "ge",
        "gt",
        "le",
        "lt",
        "max_length",
        "min_length",
        "multiple_of",
        "pattern",
        "title",
        "description",
        "examples",
    )
} | {
    "default": "write it as Python has it: `name: Annotated[…, {marker}()] = default`.",
    "embed": "write a Struct that has it as a member.",
    "regex": "write it beside: `Annotated[…, {marker}(), Meta(pattern=…)]`, with `from msgspec import Meta`.",
}
"""Arguments of Query(), Form() and their kin."""


def missing(owner: str, name: str, cures: Mapping[str, str]) -> AttributeError:
    """The error for a name that is not there, with its cure where it is one of those above."""
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
    """Let a class say where such names went; with `setting` also when they are set, which nobody would see.

    Each is put there afterwards, so that type checkers go on knowing what the class has; and by itself, for a `__getattr__` would
    make every attribute of every request slower (CPython no longer specialises the lookup).
    """
    gone = _Closed if setting else _Gone
    for name in cures.keys() - dir(kind):
        type.__setattr__(kind, name, gone(name, cures))


def advise_call(kind: type, cures: Mapping[str, str], *, positional: int = 0) -> None:
    """Let a class that takes so many arguments by position say where others of its `__init__` went; a further one is an import name."""
    made: Callable[..., None] = vars(kind)["__init__"]

    @wraps(made)
    def init(self: object, *values: object, **options: object) -> None:
        for name in ("import_name",) if len(values) > positional else options:
            if name in cures:
                raise TypeError(f"{kind.__name__}() takes no {name}: {cures[name]}")
        made(self, *values, **options)

    type.__setattr__(kind, "__init__", init)


def advise_markers(kind: type[type]) -> None:
    """Let the class of the markers say where FastAPI's other arguments of them went."""
    made: Callable[..., object] = kind.__call__

    def call(cls: type, *values: object, **options: object) -> object:
        for name in (*("default" for _ in values), *options):
            if name != "alias":
                cure = MARKED.get(name, "there is alias=, the name on the wire.").format(marker=cls.__name__)
                raise TypeError(f"{cls.__name__}() takes no {name}; {cure}")
        return made(cls, **options)

    type.__setattr__(kind, "__call__", call)


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
