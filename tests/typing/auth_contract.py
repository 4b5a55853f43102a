"""What type checkers know of users, backends, permissions and passwords."""

from collections.abc import Awaitable
from typing import assert_type

from msgspec import Struct

from flasgo import (
    AuthBackend,
    AuthResult,
    BasePermission,
    Flasgo,
    HasScope,
    IsAuthenticated,
    Permission,
    Request,
    TokenValidator,
    User,
    averify_password,
    basic_backend,
    bearer_token_backend,
    check_permission,
    current_user,
    extract_bearer_token,
    hash_password,
    password_problems,
    session_backend,
    verify_password,
)
from flasgo.auth import AllOf, AnyOf, Not


class Member(User, frozen=True, kw_only=True):
    email: str


class IsStaff(BasePermission, Struct, frozen=True):
    async def has_permission(self, request: Request, user: User, /) -> bool:
        return isinstance(user, Member) and user.email.endswith("@example.org")


def owns(request: Request, user: User) -> bool:
    return user.id == request.path_params["owner"]


async def find(token: str) -> Member | None:
    return Member(email=token)


def load(id: str) -> Member | None:
    return Member(id=id, email="")


def by_hand(request: Request) -> AuthResult:
    return AuthResult(challenge="Custom")


validator: TokenValidator = find
backend: AuthBackend = by_hand
permission: Permission = IsStaff()

app = Flasgo()
app.register_auth_backend("bearer", bearer_token_backend(find))
app.register_auth_backend("basic", basic_backend(lambda username, password: None))
app.register_auth_backend("session", session_backend(load, stamp=lambda member: member.email, login_url="/login"))
app.register_auth_backend("own", by_hand, challenge="Custom", ambient=False)


@app.get("/<owner>", auth=["bearer", "session"], permissions=[IsStaff() | owns, HasScope("read")])
async def handler(owner: str, user: Member, friend: Member | None) -> str:
    assert_type(user.email, str)
    assert_type(user.scopes, frozenset[str])
    await check_permission(IsStaff())
    return user.email if friend is None else friend.email


@app.get("/")
@app.authorize(IsAuthenticated(), backend="bearer")
def decorated() -> str:
    return current_user.id or ""


assert_type(decorated(), str)
assert_type(current_user.is_authenticated, bool)
assert_type(IsAuthenticated() & owns, AllOf)
assert_type(IsAuthenticated() | owns, AnyOf)
assert_type(~IsStaff(), Not)
assert_type(check_permission(owns), Awaitable[None])
assert_type(extract_bearer_token(None), str | None)
assert_type(hash_password("x"), str)
assert_type(verify_password(None, "x"), bool)
assert_type(password_problems("x"), tuple[str, ...])


async def log_in() -> None:
    assert_type(await averify_password("x", "y", account="z"), bool)


app.authorize("admin")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
app.authorize(lambda request: True)  # type: ignore[arg-type, misc]  # ty: ignore[invalid-argument-type]
