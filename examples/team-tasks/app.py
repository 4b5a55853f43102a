"""The tasks of a team: members with roles, a page, and a JSON API for scripts. Serve it with `flasgo run app.py`.

TEAM_TASKS_STORE says where sessions, limits, members and tasks are kept: "memory" (the default, for one process),
"sqlite:///tasks.db" (the workers of one host), "redis://127.0.0.1:6379/0" (several hosts). Nothing else changes.
"""

import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

from markupsafe import Markup
from msgspec import Meta, Struct
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from flasgo import (
    AllowAny,
    BadRequest,
    Blueprint,
    Conflict,
    Flasgo,
    Form,
    HasScope,
    NotFound,
    RateLimitRule,
    Request,
    Response,
    Settings,
    User,
    ahash_password,
    api_key_backend,
    averify_password,
    check_permission,
    flash,
    login,
    logout,
    password_problems,
    redirect,
    render_template,
    session_backend,
)
from flasgo.auth import PasswordHasher, Scrypt
from flasgo.ratelimit import RateLimitDefault

T = TypeVar("T", bound=Struct)

STORE = os.environ.get("TEAM_TASKS_STORE", "memory")
HASHER: PasswordHasher = Scrypt()
MAX_TASKS = 1_000

app = Flasgo(
    settings=Settings.from_env(
        {
            "FLASGO_SESSION_STORE": STORE,
            "FLASGO_RATE_LIMIT_STORE": STORE,
            "FLASGO_DEFAULT_PERMISSIONS": "IsAuthenticated",  # what says nothing is closed
            "FLASGO_SESSION_COOKIE_SECURE": "false",  # this is served over http, on this machine
            "FLASGO_CSRF_COOKIE_SECURE": "false",
            **os.environ,
        }
    ),
    templates=Path(__file__).with_name("templates"),
)
store = app.stores.open(STORE)


# ── what is kept ────────────────────────────────────────────────────────────────────────────────────────────────────


class Shelf(Generic[T]):
    """Records of one kind in the store, under names. Every change is a compare-and-set, so no worker undoes another's."""

    def __init__(self, kind: type[T]) -> None:
        self.decode = Decoder(kind).decode
        self.prefix = f"team-tasks:{kind.__name__.lower()}:"

    async def get(self, name: str) -> T | None:
        raw = await store.get(self.prefix + name)
        return None if raw is None else self.decode(raw)

    async def add(self, name: str, record: T) -> bool:
        """False where there is one of this name already."""
        return await store.compare_and_set(self.prefix + name, None, encode(record))

    async def change(self, name: str, edit: Callable[[T], T]) -> T:
        """Read it, change it, and put it back if nobody else has changed it meanwhile; else begin again."""
        for _ in range(100):
            raw = await store.get(self.prefix + name)
            if raw is None:
                raise NotFound
            changed = edit(self.decode(raw))
            if await store.compare_and_set(self.prefix + name, raw, encode(changed)):
                return changed
        raise Conflict("Too many are changing this at once. Try again.")


Role = Literal["lead", "member", "guest"]
SCOPES: dict[Role, frozenset[str]] = {
    "guest": frozenset({"tasks:read"}),
    "member": frozenset({"tasks:read", "tasks:write"}),
    "lead": frozenset({"tasks:read", "tasks:write", "team:manage"}),
}

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,30}\Z")]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Scope = Literal["tasks:read", "tasks:write"]


class Key(Struct, frozen=True):
    """An API key as its owner sees it; what is sent is known by its hash alone."""

    id: str
    label: Title
    scopes: frozenset[Scope]


class Account(Struct, frozen=True):
    """A member as the store knows him: `keys` are his API keys, by the SHA-256 of what is sent.

    `logins` is counted up to end all of his logins.
    """

    role: Role
    password_hash: str
    logins: int = 0
    keys: dict[str, Key] = {}


class Task(Struct, frozen=True):
    """What a client gets."""

    id: int
    title: str
    owner: str
    state: Literal["open", "done"] = "open"


class Board(Struct, frozen=True):
    """All tasks of the team: one record, since a team has few. `last` is the highest number that was given out."""

    tasks: dict[int, Task] = {}
    last: int = 0

    def with_task(self, title: str, owner: str) -> "Board":
        if len(self.tasks) >= MAX_TASKS:
            raise Conflict(f"The board is full: it has {MAX_TASKS} tasks.")
        task = Task(self.last + 1, title, owner)
        return Board(self.tasks | {task.id: task}, task.id)

    def with_state(self, number: int, state: Literal["open", "done"]) -> "Board":
        if number not in self.tasks:
            raise NotFound(f"There is no task {number}.")
        return replace(self, tasks=self.tasks | {number: replace(self.tasks[number], state=state)})

    def without(self, number: int) -> "Board":
        return replace(self, tasks={id_: task for id_, task in self.tasks.items() if id_ != number})


accounts, boards = Shelf(Account), Shelf(Board)


async def tasks() -> dict[int, Task]:
    board = await boards.get("team")
    return {} if board is None else board.tasks


@app.lifespan
async def first_member(_app: Flasgo[Settings]) -> AsyncIterator[None]:
    """A new store gets an empty board, and ada, who leads the team and can make other members."""
    await boards.add("team", Board())
    if await accounts.get("ada") is None:
        given = os.environ.get("TEAM_TASKS_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        made = await accounts.add("ada", Account("lead", await ahash_password(password, hasher=HASHER)))
        if made and given is None:
            print(f"Log in as ada with the password {password}", flush=True)
    yield


# ── who is asking ───────────────────────────────────────────────────────────────────────────────────────────────────


class Member(User, frozen=True, kw_only=True):
    """Who asks, by a login or by a key; a key's scopes are never more than its owner's."""

    is_authenticated: bool = True
    account: Account


def member_of(name: str, account: Account) -> Member:
    return Member(id=name, scopes=SCOPES[account.role], account=account)


async def load_member(name: str) -> Member | None:
    account = await accounts.get(name)
    return None if account is None else member_of(name, account)


async def member_of_key(sent: str) -> Member | None:
    name, dot, _ = sent.partition(".")
    account = await accounts.get(name) if dot and name.isascii() and len(name) <= 31 else None
    key = None if account is None else account.keys.get(digest(sent))
    if account is None or key is None:
        return None
    return Member(id=name, scopes=SCOPES[account.role] & key.scopes, account=account)


def digest(key: str) -> str:
    """A key has 256 random bits: one hash is enough, where a password needs a slow one."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


app.register_auth_backend(
    "default",
    session_backend(
        load_member,
        # A login is void when one of these has changed: that of a remembered browser, too, which is in no store.
        stamp=lambda member: f"{member.account.logins} {member.account.password_hash}",
        login_url="/login",
    ),
)
app.register_auth_backend("key", api_key_backend(member_of_key))


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.get("/")
async def board(member: Member) -> Markup:
    return render_template("board.html", member=member, tasks=(await tasks()).values())


@app.post("/tasks", permissions=[HasScope("tasks:write")])
async def add_on_page(title: Annotated[Title, Form()], member: Member) -> Response:
    await boards.change("team", lambda board: board.with_task(title, str(member.id)))
    return redirect("/")


@app.post("/tasks/<int:number>/done", permissions=[HasScope("tasks:write")])
async def finish_on_page(number: int) -> Response:
    await boards.change("team", lambda board: board.with_state(number, "done"))
    return redirect("/")


@app.get("/login", permissions=[AllowAny()])
async def login_page(next: str = "/") -> Markup:  # noqa: A002 - the name that flasgo gives the way back
    return render_template("login.html", next=next)


# Ten tries a minute from one address, at all workers together; and none where nobody can count them (strict).
@app.post("/login", permissions=[AllowAny()])
@app.ratelimit(10, per=60, strict=True)
async def sign_in(
    name: Annotated[str, Form()],
    password: Annotated[str, Form()],
    remember: Annotated[bool, Form()] = False,
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the same
) -> object:
    account = await accounts.get(name) if 0 < len(name) <= 31 and name.isascii() else None
    known = None if account is None else account.password_hash
    right = await averify_password(known, password, account=name, hasher=HASHER)
    if account is None or not right:
        flash("Wrong name or password.", "error")
        return render_template("login.html", next=next), 401
    login(member_of(name, account), remember=remember)
    return redirect(next)


@app.post("/logout")
async def sign_out() -> Response:
    logout()
    return redirect("/login")


@app.get("/account")
async def account_page(member: Member, request: Request) -> Markup:
    devices = await app.sessions.devices(str(member.id))
    return render_template("account.html", member=member, devices=devices, here=app.sessions.current(request))


@app.post("/account/end-others")
async def end_others(member: Member, request: Request) -> Response:
    await end_all_but_this(str(member.id), lambda account: replace(account, logins=account.logins + 1), request)
    flash("Every other login was ended.")
    return redirect("/account")


async def end_all_but_this(name: str, edit: Callable[[Account], Account], request: Request) -> None:
    """Change an account so that its logins are void, and log this browser in again."""
    changed = await accounts.change(name, edit)
    login(member_of(name, changed))
    await app.sessions.revoke_all(name, keep=app.sessions.current(request))


@app.post("/account/password")
@app.ratelimit(10, per=60, strict=True)
async def change_password(
    old: Annotated[str, Form()], new: Annotated[str, Form()], member: Member, request: Request
) -> Response:
    name = str(member.id)
    problems = password_problems(new, user_inputs=[name])
    if not await averify_password(member.account.password_hash, old, account=name, hasher=HASHER):
        problems = ("The old password is wrong.",)
    if problems:
        flash(" ".join(problems), "error")
        return redirect("/account")
    hashed = await ahash_password(new, hasher=HASHER)
    await end_all_but_this(name, lambda account: replace(account, password_hash=hashed), request)
    flash("The password was changed, and every other login ended.")
    return redirect("/account")


# ── the API ─────────────────────────────────────────────────────────────────────────────────────────────────────────

# Sixty requests a minute for each member, whatever routes, keys, browsers, workers and hosts they come by.
FAIR = RateLimitRule(60, 60, scope="api", key_func=lambda request: request.user.id)
api = Blueprint("api", url_prefix="/api", auth=("key", "default"), defaults=[RateLimitDefault((FAIR,))])


class NewTask(Struct, frozen=True):
    """What a client sends."""

    title: Title


class TaskChange(Struct, frozen=True):
    """What a client sends to change a task."""

    state: Literal["open", "done"]


class NewKey(Struct, frozen=True):
    """What a member asks for."""

    label: Title
    scopes: frozenset[Scope] = frozenset({"tasks:read"})


class GivenKey(Struct, frozen=True):
    """A key in full: it is shown once."""

    id: str
    key: str


class NewMember(Struct, frozen=True):
    """Whom a lead adds."""

    name: Name
    password: str
    role: Role = "member"


@api.get("/tasks", permissions=[HasScope("tasks:read")])
async def list_tasks(state: Literal["open", "done"] | None = None) -> list[Task]:
    return [task for task in (await tasks()).values() if state in {None, task.state}]


@api.post("/tasks", permissions=[HasScope("tasks:write")], status_code=201)
async def add_task(new: NewTask, member: Member) -> Task:
    board = await boards.change("team", lambda board: board.with_task(new.title, str(member.id)))
    return board.tasks[board.last]


@api.patch("/tasks/<int:number>", permissions=[HasScope("tasks:write")])
async def change_task(number: int, change: TaskChange) -> Task:
    board = await boards.change("team", lambda board: board.with_state(number, change.state))
    return board.tasks[number]


@api.delete("/tasks/<int:number>", permissions=[HasScope("tasks:write")])
async def remove_task(number: int) -> None:
    """Its owner may, and whoever leads the team."""
    task = (await tasks()).get(number)
    if task is None:
        raise NotFound(f"There is no task {number}.")
    owner = task.owner
    await check_permission(HasScope("team:manage") | (lambda _request, user: user.id == owner))
    await boards.change("team", lambda board: board.without(number))


@api.post("/keys", auth="default", status_code=201)  # a key cannot make keys
async def make_key(new: NewKey, member: Member) -> GivenKey:
    given = GivenKey(secrets.token_hex(4), f"{member.id}.{secrets.token_urlsafe(32)}")
    key = Key(given.id, new.label, new.scopes)

    def with_key(account: Account) -> Account:
        if len(account.keys) >= 20:
            raise Conflict("You have 20 keys. Remove one first.")
        return replace(account, keys=account.keys | {digest(given.key): key})

    await accounts.change(str(member.id), with_key)
    return given


@api.get("/keys", auth="default")
async def list_keys(member: Member) -> list[Key]:
    return list(member.account.keys.values())


@api.delete("/keys/<id>", auth="default")
async def remove_key(id: str, member: Member) -> None:  # noqa: A002 - the name in the path
    def without_key(account: Account) -> Account:
        kept = {hashed: key for hashed, key in account.keys.items() if key.id != id}
        if len(kept) == len(account.keys):
            raise NotFound("You have no such key.")
        return replace(account, keys=kept)

    await accounts.change(str(member.id), without_key)


@api.post("/members", auth="default", permissions=[HasScope("team:manage")], status_code=201)
async def add_member(new: NewMember) -> Literal["added"]:
    problems = password_problems(new.password, user_inputs=[new.name])
    if problems:
        raise BadRequest(" ".join(problems))
    account = Account(new.role, await ahash_password(new.password, hasher=HASHER))
    if not await accounts.add(new.name, account):
        raise Conflict("There is a member of this name already.")
    return "added"


app.register_blueprint(api)

if __name__ == "__main__":
    app.run()
