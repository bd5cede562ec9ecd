"""Setup, sign-in, and what administrators do with users and groups; everybody's own password and API keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from assistant.api import errors
from assistant.api.auth import ADMIN, ANYONE, IN_PERSON, SIGNED_IN, Guarded
from assistant.api.deps import Id, Line, Parts, client_address
from assistant.api.doors import Shared
from assistant.api.schemas import (
    GroupBody,
    Json,
    KeyBody,
    KeyJson,
    LoginBody,
    PasswordBody,
    SetupBody,
    SignedIn,
    UserBody,
    UserChange,
    UserJson,
)
from assistant.app import App
from assistant.attachments import forget
from assistant.logs import log
from assistant.people import credentials, groups, setup_link, users
from assistant.people.credentials import LOCAL_ID, Credential
from assistant.people.sign_in import Throttle, sign_in
from assistant.people.users import User
from assistant.threads import in_thread

router = APIRouter(route_class=Guarded, prefix="/api", tags=["people"])
_log = log("people")

Signed = Annotated[Credential, Depends(SIGNED_IN)]
InPerson = Annotated[Credential, Depends(IN_PERSON)]
Admin = Annotated[Credential, Depends(ADMIN)]


@router.get("/setup", dependencies=[Depends(ANYONE)])
async def is_setup_needed(app: Parts) -> Json:
    """Tell whether the first administrator is still missing."""
    return {"needed": not await in_thread(users.any_exist, app.engine)}


@router.post("/setup", dependencies=[Depends(ANYONE)])
async def set_up(body: SetupBody, request: Request, app: Parts, doors: Shared) -> SignedIn:
    """Make the first administrator in exchange for the one-time link's token."""
    chars = app.settings.people.min_password_chars
    password = body.password.get_secret_value()
    async with doors.logins.place(client_address(request)):
        user = await in_thread(setup_link.redeem, app.engine, app.secrets, body.token, body.name, password, chars)
    _log.info("the first administrator was made", user_id=user.id)
    return await _signed_in(app, user)


@router.post("/login", dependencies=[Depends(ANYONE)])
async def log_in(body: LoginBody, request: Request, app: Parts, doors: Shared) -> SignedIn:
    """Return a session's token for a name and its password."""
    limits, address = app.settings.people, client_address(request)
    throttle = Throttle(limits.failed_logins, limits.failed_login_window_s)
    password = body.password.get_secret_value()
    async with doors.logins.place(address):
        user = await in_thread(sign_in, app.engine, app.secrets, body.name, password, address, throttle)
    return await _signed_in(app, user)


@router.post("/logout", status_code=204)
async def log_out(app: Parts, credential: InPerson) -> None:
    """End this session."""
    await in_thread(credentials.close_session, app.engine, credential.id)


@router.get("/me")
async def me(app: Parts, credential: Signed) -> UserJson:
    """Tell who the caller is."""
    if credential.id == LOCAL_ID and credential.caller.user_id == LOCAL_ID:
        return UserJson(id=LOCAL_ID, name=credential.caller.name, is_admin=True, groups=[], prompt_author=True)
    user = await in_thread(users.get, app.engine, credential.caller.user_id)
    if user is None:
        raise errors.signed_out()
    author = user.is_admin or bool(set(user.groups) & set(app.settings.prompts.authors))
    return _user_json(user).model_copy(update={"prompt_author": author})


@router.post("/me/password", status_code=204)
async def change_my_password(body: PasswordBody, app: Parts, doors: Shared, credential: InPerson) -> None:
    """Change the own password; all sessions and API keys of the caller end."""
    chars, own = app.settings.people.min_password_chars, credential.caller.user_id
    old, new = body.old.get_secret_value(), body.new.get_secret_value()
    async with doors.logins.place(own):
        await in_thread(users.change_own_password, app.engine, own, old, new, chars)


@router.get("/keys")
async def my_keys(app: Parts, credential: Signed) -> Json:
    """List the caller's API keys, without their secrets; to the command line on the data folder, everybody's."""
    if credential.caller.user_id == LOCAL_ID:
        everybodys = await in_thread(credentials.everybodys_keys, app.engine)
        return {"keys": [{**asdict(key), "user": owner} for owner, key in everybodys]}
    keys = await in_thread(credentials.keys_of, app.engine, credential.caller.user_id)
    return {"keys": [asdict(key) for key in keys]}


@router.post("/keys", status_code=201)
async def add_key(body: KeyBody, app: Parts, credential: InPerson) -> KeyJson:
    """Make an API key with the caller's rights; its secret is in this answer and nowhere else."""
    own = credential.caller.user_id
    if own == LOCAL_ID:
        raise errors.invalid("An API key belongs to a user; name one with X-Assistant-As (--as).")
    key, secret = await in_thread(credentials.add_key, app.engine, app.secrets, own, body.name)
    return KeyJson(**asdict(key), secret=secret)


@router.delete("/keys/{key_id}", status_code=204)
async def remove_key(key_id: Id, app: Parts, credential: Signed) -> None:
    """Delete one of the caller's API keys at once; the command line on the data folder may delete anybody's."""
    own = credential.caller.user_id
    if not await in_thread(credentials.remove_key, app.engine, None if own == LOCAL_ID else own, key_id):
        raise errors.unknown("API key")


@router.get("/users")
async def list_users(app: Parts, _admin: Admin) -> Json:
    """List everybody."""
    return {"users": [_user_json(user).model_dump() for user in await in_thread(users.everybody, app.engine)]}


@router.post("/users", status_code=201)
async def add_user(body: UserBody, app: Parts, doors: Shared, admin: Admin) -> UserJson:
    """Create an account."""
    chars, password = app.settings.people.min_password_chars, body.password.get_secret_value()
    async with doors.logins.place(admin.caller.user_id):
        user = await in_thread(users.add, app.engine, body.name, password, body.is_admin, body.groups, chars)
    _log.info("a user was made", user_id=user.id, by=admin.caller.user_id, is_admin=user.is_admin)
    return _user_json(user)


@router.patch("/users/{user_id}")
async def change_user(user_id: Id, body: UserChange, app: Parts, doors: Shared, admin: Admin) -> UserJson:
    """Suspend, restore, promote, demote, regroup, or set a password; it holds from the next request on."""
    password = None if body.password is None else body.password.get_secret_value()
    async with doors.logins.place(admin.caller.user_id):
        user = await in_thread(
            users.change,
            app.engine,
            user_id,
            active=body.active,
            is_admin=body.is_admin,
            group_names=body.groups,
            password=password,
            min_password_chars=app.settings.people.min_password_chars,
        )
    if user is None:
        raise errors.unknown("user")
    _log.info("a user was changed", user_id=user.id, by=admin.caller.user_id, what=sorted(body.model_fields_set))
    return _user_json(user)


@router.delete("/users/{user_id}", status_code=204)
async def remove_user(user_id: Id, app: Parts, admin: Admin) -> None:
    """Delete an account with its credentials, conversations and attachments."""
    gone = await in_thread(users.remove, app.engine, user_id)
    if gone is None:
        raise errors.unknown("user")
    await in_thread(forget, app.engine, user_id, gone)
    _log.info("a user was deleted", user_id=user_id, by=admin.caller.user_id)


@router.get("/groups")
async def list_groups(app: Parts, _admin: Admin) -> Json:
    """List all groups with how many belong to them."""
    found = await in_thread(groups.everything, app.engine)
    return {"groups": [{"name": group.name, "members": group.n_members} for group in found]}


@router.post("/groups", status_code=201)
async def add_group(body: GroupBody, app: Parts, _admin: Admin) -> Json:
    """Make a group."""
    group = await in_thread(groups.add, app.engine, body.name)
    return {"name": group.name, "members": 0}


@router.delete("/groups/{name}", status_code=204)
async def remove_group(name: Line, app: Parts, _admin: Admin) -> None:
    """Delete a group; its members lose what they could read through it."""
    if not await in_thread(groups.remove, app.engine, name):
        raise errors.unknown("group")


async def _signed_in(app: App, user: User) -> SignedIn:
    days = app.settings.people.session_days
    token = await in_thread(credentials.open_session, app.engine, app.secrets, user.id, days)
    return SignedIn(token=token, user=_user_json(user))


def _user_json(user: User) -> UserJson:
    return UserJson(id=user.id, name=user.name, is_admin=user.is_admin, groups=list(user.groups), active=user.active)
