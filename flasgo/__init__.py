"""flasgo: a typed Python web framework. Written like Flask, safe by default like Django."""

from flasgo.app import Flasgo, current_app, url_for
from flasgo.context import csp_nonce, csrf_token, current_user, g
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
    UnsupportedMediaType,
    ValidationFailed,
    abort,
)
from flasgo.file_response import FileResponse
from flasgo.http.forms import FormData
from flasgo.http.uploads import UploadedFile
from flasgo.identity import User
from flasgo.outbound.config import SSRFConfig
from flasgo.outbound.guard import SSRFGuard, SSRFResolvedURL
from flasgo.outbound.urls import SSRFViolation
from flasgo.plan.answers import Accepted, Created, Status
from flasgo.plan.headers import Cache
from flasgo.plan.markers import Body, Cookie, File, Form, Header, Path, Query
from flasgo.plan.model import Route
from flasgo.problems import Problem
from flasgo.request import Request, State
from flasgo.response import Response, jsonify, redirect
from flasgo.routing.blueprint import Blueprint
from flasgo.routing.converters import Converter
from flasgo.session import Session, SessionError
from flasgo.settings import Settings
from flasgo.storage.model import Counter, Store, Verdict
from flasgo.testing.client import TestClient
from flasgo.testing.response import TestResponse

# Last, because these names are also those of the modules imported above.
# isort: split
from flasgo.context import request, session

__all__ = [
    "Accepted",
    "BadRequest",
    "Blueprint",
    "Body",
    "BuildError",
    "CSRFFailed",
    "Cache",
    "ClientDisconnected",
    "ConfigurationError",
    "Conflict",
    "ContentTooLarge",
    "ContractError",
    "Converter",
    "Cookie",
    "Counter",
    "Created",
    "File",
    "FileResponse",
    "Flasgo",
    "FlasgoError",
    "Forbidden",
    "Form",
    "FormData",
    "FrozenError",
    "HTTPException",
    "Header",
    "HeadersTooLarge",
    "HostNotAllowed",
    "InternalServerError",
    "Issue",
    "MalformedBody",
    "MalformedRequest",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "Path",
    "Problem",
    "Query",
    "RegistrationError",
    "Request",
    "RequestTimeout",
    "Response",
    "Route",
    "SSRFConfig",
    "SSRFGuard",
    "SSRFResolvedURL",
    "SSRFViolation",
    "ServiceUnavailable",
    "Session",
    "SessionError",
    "Settings",
    "SettingsError",
    "State",
    "Status",
    "Store",
    "StoreUnavailable",
    "TestClient",
    "TestResponse",
    "TooManyRequests",
    "Unauthorized",
    "UnsupportedMediaType",
    "UploadedFile",
    "User",
    "ValidationFailed",
    "Verdict",
    "abort",
    "csp_nonce",
    "csrf_token",
    "current_app",
    "current_user",
    "g",
    "jsonify",
    "redirect",
    "request",
    "session",
    "url_for",
]
