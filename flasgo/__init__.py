"""flasgo: a typed Python web framework. Written like Flask, safe by default like Django."""

import importlib
import typing

from flasgo import advice as _advice
from flasgo.app import Flasgo, current_app, url_for
from flasgo.auth.check import check_permission
from flasgo.auth.login import login, logout, session_backend
from flasgo.auth.model import AuthBackend, AuthResult, CredentialBackend
from flasgo.auth.password_rules import password_problems
from flasgo.auth.passwords import ahash_password, averify_password, hash_password, needs_rehash, verify_password
from flasgo.auth.permissions import AllowAny, BasePermission, HasAnyScope, HasScope, IsAuthenticated
from flasgo.auth.tokens import (
    PasswordValidator,
    TokenValidator,
    api_key_backend,
    basic_backend,
    bearer_token_backend,
    extract_bearer_token,
)
from flasgo.background import BackgroundTasks
from flasgo.context import (
    after_this_request,
    csp_nonce,
    csrf_token,
    current_user,
    g,
    has_app_context,
    has_request_context,
)
from flasgo.downloads import send_file, send_from_directory
from flasgo.errors import (
    BadRequest,
    BuildError,
    ClientDisconnected,
    ConfigurationError,
    Conflict,
    ContentTooLarge,
    ContractError,
    CSRFFailed,
    FlasgoError,
    Forbidden,
    FrozenError,
    HeadersTooLarge,
    HostNotAllowed,
    HTTPException,
    InternalServerError,
    Issue,
    MalformedBody,
    MalformedRequest,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    RegistrationError,
    RequestTimeout,
    ServiceUnavailable,
    SettingsError,
    StoreUnavailable,
    TooManyRequests,
    Unauthorized,
    UnsafeRedirect,
    UnsupportedMediaType,
    ValidationFailed,
    abort,
)
from flasgo.file_response import FileResponse
from flasgo.flash import flash, get_flashed_messages
from flasgo.http.forms import FormData
from flasgo.http.uploads import UploadedFile
from flasgo.identity import User
from flasgo.outbound.config import SSRFConfig
from flasgo.outbound.guard import SSRFGuard, SSRFResolvedURL
from flasgo.outbound.urls import SSRFViolation
from flasgo.pageform import FormProblem, PageForm
from flasgo.plan.access import Permission
from flasgo.plan.answers import Accepted, Created, Status
from flasgo.plan.cors import CORS
from flasgo.plan.headers import Cache
from flasgo.plan.limits import RateLimitRule
from flasgo.plan.markers import Body, Cookie, Depends, File, Form, Header, Path, Query
from flasgo.plan.model import Route
from flasgo.problems import Problem
from flasgo.ratelimit.rule import rate_limit
from flasgo.redirects import is_safe_redirect_target
from flasgo.request import Request
from flasgo.response import Response, jsonify, make_response, redirect
from flasgo.routing.blueprint import Blueprint
from flasgo.routing.converters import Converter
from flasgo.security.session_records import Device
from flasgo.session import Session, SessionError
from flasgo.settings import Settings
from flasgo.state import State
from flasgo.storage.decision import RateLimitDecision
from flasgo.storage.memory import MemoryStore
from flasgo.storage.model import Counter, Store, Verdict
from flasgo.streaming_response import StreamingResponse
from flasgo.templating.engine import JinjaTemplates, create_template_environment
from flasgo.templating.render import render_template, render_template_async, stream_template

# Last, because these names are also those of the modules imported above.
# isort: split
from flasgo.context import request, session
from flasgo.validation.codecs import Codec

if typing.TYPE_CHECKING:  # for checkers alone: see _LATE
    from flasgo.storage.sqlite import SQLiteStore
    from flasgo.templating.loader import BaseLoader, SecureTemplateLoader, Template, TemplateNotFound
    from flasgo.testing.client import TestClient
    from flasgo.testing.response import TestResponse

__all__ = [
    "CORS",
    "Accepted",
    "AllowAny",
    "AuthBackend",
    "AuthResult",
    "BackgroundTasks",
    "BadRequest",
    "BaseLoader",
    "BasePermission",
    "Blueprint",
    "Body",
    "BuildError",
    "CSRFFailed",
    "Cache",
    "ClientDisconnected",
    "Codec",
    "ConfigurationError",
    "Conflict",
    "ContentTooLarge",
    "ContractError",
    "Converter",
    "Cookie",
    "Counter",
    "Created",
    "CredentialBackend",
    "Depends",
    "Device",
    "File",
    "FileResponse",
    "Flasgo",
    "FlasgoError",
    "Forbidden",
    "Form",
    "FormData",
    "FormProblem",
    "FrozenError",
    "HTTPException",
    "HasAnyScope",
    "HasScope",
    "Header",
    "HeadersTooLarge",
    "HostNotAllowed",
    "InternalServerError",
    "IsAuthenticated",
    "Issue",
    "JinjaTemplates",
    "MalformedBody",
    "MalformedRequest",
    "MemoryStore",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "PageForm",
    "PasswordValidator",
    "Path",
    "Permission",
    "Problem",
    "Query",
    "RateLimitDecision",
    "RateLimitRule",
    "RegistrationError",
    "Request",
    "RequestTimeout",
    "Response",
    "Route",
    "SQLiteStore",
    "SSRFConfig",
    "SSRFGuard",
    "SSRFResolvedURL",
    "SSRFViolation",
    "SecureTemplateLoader",
    "ServiceUnavailable",
    "Session",
    "SessionError",
    "Settings",
    "SettingsError",
    "State",
    "Status",
    "Store",
    "StoreUnavailable",
    "StreamingResponse",
    "Template",
    "TemplateNotFound",
    "TestClient",
    "TestResponse",
    "TokenValidator",
    "TooManyRequests",
    "Unauthorized",
    "UnsafeRedirect",
    "UnsupportedMediaType",
    "UploadedFile",
    "User",
    "ValidationFailed",
    "Verdict",
    "abort",
    "after_this_request",
    "ahash_password",
    "api_key_backend",
    "averify_password",
    "basic_backend",
    "bearer_token_backend",
    "check_permission",
    "create_template_environment",
    "csp_nonce",
    "csrf_token",
    "current_app",
    "current_user",
    "extract_bearer_token",
    "flash",
    "g",
    "get_flashed_messages",
    "has_app_context",
    "has_request_context",
    "hash_password",
    "is_safe_redirect_target",
    "jsonify",
    "login",
    "logout",
    "make_response",
    "needs_rehash",
    "password_problems",
    "rate_limit",
    "redirect",
    "render_template",
    "render_template_async",
    "request",
    "send_file",
    "send_from_directory",
    "session",
    "session_backend",
    "stream_template",
    "url_for",
    "verify_password",
]

_advice.advise(Flasgo, _advice.APPLICATION, setting=True)
_advice.advise_call(Flasgo, _advice.ARGUMENTS)
_advice.advise(Blueprint, _advice.BLUEPRINT)
_advice.advise_call(Blueprint, {"import_name": _advice.ARGUMENTS["import_name"]}, positional=1)
_advice.advise(Request, _advice.REQUEST)
_advice.advise_markers(type(Query))
_advice.advise(UploadedFile, _advice.UPLOAD)
_advice.advise(Response, _advice.RESPONSE)
_advice.advise(BackgroundTasks, _advice.TASKS)

_LATE = {
    "BaseLoader": "flasgo.templating.loader",
    "SQLiteStore": "flasgo.storage.sqlite",
    "SecureTemplateLoader": "flasgo.templating.loader",
    "Template": "flasgo.templating.loader",
    "TemplateNotFound": "flasgo.templating.loader",
    "TestClient": "flasgo.testing.client",
    "TestResponse": "flasgo.testing.response",
}
"""Names whose modules are loaded when they are first used: Jinja2 takes as long as the rest of the package, and not every program is a test."""


def _late(name: str) -> object:
    """The names of _LATE (PEP 562); of Flask's and FastAPI's that are not here, where they went."""
    if name in _LATE:
        return getattr(importlib.import_module(_LATE[name]), name)
    return _advice.refuse_import(name)


globals()["__getattr__"] = _late  # so that type checkers go on refusing names that are not there
