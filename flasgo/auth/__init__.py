"""Who is asking, and whether he may: backends, permissions, logins, passwords."""

from flasgo.auth.check import check_permission
from flasgo.auth.login import LoadUser, login, logout, session_backend
from flasgo.auth.model import AuthBackend, AuthResult, CredentialBackend
from flasgo.auth.password_rules import password_problems
from flasgo.auth.passwords import (
    PasswordHasher,
    Scrypt,
    ahash_password,
    averify_password,
    hash_password,
    needs_rehash,
    verify_password,
)
from flasgo.auth.permissions import AllOf, AllowAny, AnyOf, BasePermission, HasAnyScope, HasScope, IsAuthenticated, Not
from flasgo.auth.tokens import (
    PasswordValidator,
    TokenValidator,
    api_key_backend,
    basic_backend,
    bearer_token_backend,
    extract_bearer_token,
)
from flasgo.identity import User
from flasgo.plan.access import Permission

__all__ = [
    "AllOf",
    "AllowAny",
    "AnyOf",
    "AuthBackend",
    "AuthResult",
    "BasePermission",
    "CredentialBackend",
    "HasAnyScope",
    "HasScope",
    "IsAuthenticated",
    "LoadUser",
    "Not",
    "PasswordHasher",
    "PasswordValidator",
    "Permission",
    "Scrypt",
    "TokenValidator",
    "User",
    "ahash_password",
    "api_key_backend",
    "averify_password",
    "basic_backend",
    "bearer_token_backend",
    "check_permission",
    "extract_bearer_token",
    "hash_password",
    "login",
    "logout",
    "needs_rehash",
    "password_problems",
    "session_backend",
    "verify_password",
]
