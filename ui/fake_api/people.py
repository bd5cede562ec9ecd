"""Accounts, groups and keys of the stand-in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, done, missing, problem, signed_in, text_of, texts_of, world_of
from ui.fake_api.records import FakeUser, new_id
from ui.fake_api.world import World


def routes() -> list[Route]:
    """Return the routes about people."""
    return [
        Route("/api/setup", setup_state, methods=["GET"]),
        Route("/api/setup", set_up, methods=["POST"]),
        Route("/api/login", login, methods=["POST"]),
        Route("/api/logout", signed_in(logout), methods=["POST"]),
        Route("/api/me", signed_in(me)),
        Route("/api/me/password", signed_in(password), methods=["POST"]),
        Route("/api/users", signed_in(list_users, admin=True), methods=["GET"]),
        Route("/api/users", signed_in(add_user, admin=True), methods=["POST"]),
        Route("/api/users/{id}", signed_in(change_user, admin=True), methods=["PATCH"]),
        Route("/api/users/{id}", signed_in(delete_user, admin=True), methods=["DELETE"]),
        Route("/api/groups", signed_in(list_groups, admin=True), methods=["GET"]),
        Route("/api/groups", signed_in(add_group, admin=True), methods=["POST"]),
        Route("/api/groups/{name}", signed_in(delete_group, admin=True), methods=["DELETE"]),
        Route("/api/keys", signed_in(list_keys), methods=["GET"]),
        Route("/api/keys", signed_in(add_key), methods=["POST"]),
        Route("/api/keys/{id}", signed_in(delete_key), methods=["DELETE"]),
    ]


async def setup_state(request: Request) -> Response:
    """Return whether an administrator is still to be created."""
    return JSONResponse({"needed": world_of(request).setup_token is not None})


async def set_up(request: Request) -> Response:
    """Create the first administrator."""
    world, body = world_of(request), await body_of(request)
    if world.setup_token is None or body.get("token") != world.setup_token:
        return problem(401, "Wrong link", "This link has been used or is wrong.", "link-used")
    if len(text_of(body, "password")) < 8:
        return problem(422, "Weak password", "Choose a password of at least 8 characters.", "password-unusable")
    world.setup_token = None
    user = world.add_user(text_of(body, "name"), text_of(body, "password"), is_admin=True)
    return JSONResponse({"token": world.sign_in(user), "user": user.json()})


async def login(request: Request) -> Response:
    """Sign in with a name and a password."""
    world, body = world_of(request), await body_of(request)
    for user in world.users.values():
        if user.active and user.name == body.get("name") and user.password == body.get("password"):
            return JSONResponse({"token": world.sign_in(user), "user": user.json()})
    return problem(401, "Wrong", "Name or password is wrong.", "wrong-password")


async def logout(world: World, _user: FakeUser, request: Request) -> Response:
    """End the session of this token."""
    world.tokens.pop(request.headers["authorization"].removeprefix("Bearer "), None)
    return done()


async def me(_world: World, user: FakeUser, _request: Request) -> Response:
    """Return who is signed in."""
    return JSONResponse(user.json())


async def password(_world: World, user: FakeUser, request: Request) -> Response:
    """Change the password."""
    body = await body_of(request)
    if body.get("old") != user.password:
        return problem(401, "Wrong password", "The old password is wrong.", "wrong-password")
    user.password = text_of(body, "new")
    return done()


async def list_users(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return all accounts."""
    return JSONResponse({"users": [user.json() for user in world.users.values()]})


async def add_user(world: World, _user: FakeUser, request: Request) -> Response:
    """Create an account."""
    body = await body_of(request)
    if any(user.name == body.get("name") for user in world.users.values()):
        return problem(409, "Name taken", f"There is a user named {body['name']} already.", "name-taken")
    groups = tuple(texts_of(body, "groups"))
    user = world.add_user(text_of(body, "name"), text_of(body, "password"), body.get("is_admin") is True, groups)
    return JSONResponse(user.json(), 201)


async def change_user(world: World, _user: FakeUser, request: Request) -> Response:
    """Change an account."""
    user, body = world.users.get(request.path_params["id"]), await body_of(request)
    if user is None:
        return missing("user")
    user.active = bool(body.get("active", user.active))
    user.is_admin = bool(body.get("is_admin", user.is_admin))
    user.groups = texts_of(body, "groups") if "groups" in body else user.groups
    user.password = text_of(body, "password") or user.password
    return JSONResponse(user.json())


async def delete_user(world: World, _user: FakeUser, request: Request) -> Response:
    """Delete an account."""
    return done() if world.users.pop(request.path_params["id"], None) else missing("user")


async def list_groups(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return all groups with their sizes."""
    sizes = {name: sum(name in user.groups for user in world.users.values()) for name in world.groups}
    return JSONResponse({"groups": [{"name": name, "members": size} for name, size in sizes.items()]})


async def add_group(world: World, _user: FakeUser, request: Request) -> Response:
    """Create a group."""
    world.groups.append(text_of(await body_of(request), "name"))
    return done()


async def delete_group(world: World, _user: FakeUser, request: Request) -> Response:
    """Delete a group."""
    name = request.path_params["name"]
    if name not in world.groups:
        return missing("group")
    world.groups.remove(name)
    for user in world.users.values():
        user.groups = [group for group in user.groups if group != name]
    return done()


async def list_keys(world: World, user: FakeUser, _request: Request) -> Response:
    """Return the caller's keys."""
    mine = [key for key in world.keys.values() if key["user"] == user.name]
    return JSONResponse({"keys": [{name: value for name, value in key.items() if name != "secret"} for key in mine]})


async def add_key(world: World, user: FakeUser, request: Request) -> Response:
    """Create a key."""
    secret = f"ik_{new_id()}"
    row = {"id": new_id(), "name": text_of(await body_of(request), "name"), "prefix": secret[:8], "user": user.name}
    world.keys[str(row["id"])] = {**row, "secret": secret}
    world.tokens[secret] = user.id
    return JSONResponse(world.keys[str(row["id"])], 201)


async def delete_key(world: World, user: FakeUser, request: Request) -> Response:
    """Revoke a key."""
    key = world.keys.get(request.path_params["id"])
    if key is None or key["user"] != user.name:
        return missing("key")
    world.tokens.pop(str(key["secret"]), None)
    del world.keys[request.path_params["id"]]
    return done()
