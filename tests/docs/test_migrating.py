"""The table of the migration guide: every name that it gives exists, and no public name of Flask is forgotten."""

import re
from pathlib import Path

import pytest

import flasgo
from flasgo import Flasgo, Request, Settings

GUIDE = (Path(__file__).parents[2] / "MIGRATING_FROM_FLASK.md").read_text()
TABLES = GUIDE.partition("## Every name")[2]
CODE = re.compile(r"`([^`]+)`")

# The public names of Flask 3.1.3, without those of its submodules.
FLASK = [
    "Blueprint",
    "Config",
    "Flask",
    "Request",
    "Response",
    "abort",
    "after_this_request",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "copy_current_request_context",
    "current_app",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "got_request_exception",
    "has_app_context",
    "has_request_context",
    "jsonify",
    "make_response",
    "message_flashed",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "template_rendered",
    "url_for",
]
APP = [
    "aborter_class",
    "add_template_filter",
    "add_template_global",
    "add_template_test",
    "add_url_rule",
    "after_request",
    "app_context",
    "app_ctx_globals_class",
    "async_to_sync",
    "auto_find_instance_path",
    "before_request",
    "cli",
    "config",
    "config_class",
    "context_processor",
    "create_global_jinja_loader",
    "create_jinja_environment",
    "create_url_adapter",
    "debug",
    "default_config",
    "delete",
    "dispatch_request",
    "do_teardown_appcontext",
    "do_teardown_request",
    "endpoint",
    "ensure_sync",
    "errorhandler",
    "finalize_request",
    "full_dispatch_request",
    "get",
    "get_send_file_max_age",
    "handle_exception",
    "handle_http_exception",
    "handle_url_build_error",
    "handle_user_exception",
    "has_static_folder",
    "inject_url_defaults",
    "iter_blueprints",
    "jinja_env",
    "jinja_environment",
    "jinja_loader",
    "jinja_options",
    "json_provider_class",
    "log_exception",
    "logger",
    "make_aborter",
    "make_config",
    "make_default_options_response",
    "make_response",
    "make_shell_context",
    "name",
    "open_instance_resource",
    "open_resource",
    "patch",
    "permanent_session_lifetime",
    "post",
    "preprocess_request",
    "process_response",
    "put",
    "raise_routing_exception",
    "redirect",
    "register_blueprint",
    "register_error_handler",
    "request_class",
    "request_context",
    "response_class",
    "route",
    "run",
    "secret_key",
    "select_jinja_autoescape",
    "send_static_file",
    "session_interface",
    "shell_context_processor",
    "should_ignore_error",
    "static_folder",
    "static_url_path",
    "teardown_appcontext",
    "teardown_request",
    "template_filter",
    "template_global",
    "template_test",
    "test_cli_runner",
    "test_cli_runner_class",
    "test_client",
    "test_client_class",
    "test_request_context",
    "testing",
    "trap_http_exception",
    "update_template_context",
    "url_defaults",
    "url_for",
    "url_map",
    "url_map_class",
    "url_rule_class",
    "url_value_preprocessor",
    "wsgi_app",
]
REQUEST = [
    "accept_charsets",
    "accept_encodings",
    "accept_languages",
    "accept_mimetypes",
    "access_route",
    "args",
    "authorization",
    "base_url",
    "blueprint",
    "cache_control",
    "content_length",
    "content_type",
    "cookies",
    "data",
    "date",
    "endpoint",
    "environ",
    "files",
    "form",
    "full_path",
    "get_data",
    "get_json",
    "headers",
    "host",
    "host_url",
    "if_match",
    "if_modified_since",
    "if_none_match",
    "if_range",
    "if_unmodified_since",
    "is_json",
    "is_secure",
    "json",
    "max_forwards",
    "method",
    "mimetype",
    "origin",
    "path",
    "pragma",
    "query_string",
    "range",
    "referrer",
    "remote_addr",
    "remote_user",
    "root_path",
    "root_url",
    "scheme",
    "script_root",
    "stream",
    "url",
    "url_root",
    "url_rule",
    "user_agent",
    "values",
    "view_args",
]


def rows(table: str) -> list[list[str]]:
    """The cells of a table's rows, by the heading above it."""
    text = TABLES.partition(f"### `{table}`\n")[2].partition("\n###")[0]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [re.split(r"\s*\|\s*", line.strip("| ")) for line in lines]


@pytest.mark.parametrize(
    ("table", "names"),
    [("from flask import …", FLASK), ("app.…", APP), ("request.…", REQUEST)],
    ids=["flask", "app", "request"],
)
def test_every_public_name_of_flask_is_told(table: str, names: list[str]) -> None:
    told = {name for row in rows(table) for name in CODE.findall(row[0])}

    assert [name for name in names if name not in told] == []
    assert all(len(row) == 3 for row in rows(table))


def test_every_name_of_flasgo_exists() -> None:
    app = Flasgo()
    named = [
        name
        for table in ("from flask import …", "app.…", "request.…")
        for row in rows(table)
        for name in CODE.findall(row[1])
    ]
    missing = []
    for name in named:
        owner, _, attribute = name.rpartition(".")
        known = {"": flasgo.__all__, "app": dir(app), "request": [*dir(Request), "scope"]}[owner]
        if attribute not in known:
            missing.append(name)

    assert len(named) > 60
    assert missing == []


def test_every_setting_that_the_guide_names_exists() -> None:
    table = GUIDE.partition("## Settings, not")[2].partition("## Static files")[0]
    same = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE"}
    named = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in CODE.findall(line.split(" | ")[1])
        if name.isupper() and not name.startswith("FLASGO_")
    }

    assert len(named) > 4
    assert sorted((named | same) - set(Settings.__struct_fields__)) == []
