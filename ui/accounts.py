"""The HTTP API's calls about people: who is signed in, accounts, groups and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ui import wire
from ui.transport import Transport


class Accounts(Transport):
    """People, as they sign in and as administrators manage them."""

    def setup_needed(self) -> bool:
        """Return whether there is no administrator yet."""
        return self.read_object("/api/setup").get("needed") is True

    def set_up(self, token: str, name: str, password: str) -> wire.Session:
        """Create the first administrator with the one-time token, and sign in."""
        body = {"token": token, "name": name, "password": password}
        return self.parse(wire.Session, self.send("POST", "/api/setup", json=body))

    def login(self, name: str, password: str) -> wire.Session:
        """Sign in; a wrong name or password is an ApiRefused with status 401."""
        return self.parse(wire.Session, self.send("POST", "/api/login", json={"name": name, "password": password}))

    def me(self) -> wire.User:
        """Return who is signed in."""
        return self.read(wire.User, "/api/me")

    def logout(self) -> None:
        """End the session on the server."""
        self.send("POST", "/api/logout")

    def change_password(self, old: str, new: str) -> None:
        """Replace the password of the signed-in person."""
        self.send("POST", "/api/me/password", json={"old": old, "new": new})

    def users(self) -> list[wire.User]:
        """Return all accounts (administrators only)."""
        return self.read_list(wire.User, "/api/users", "users")

    def add_user(self, name: str, password: str, is_admin: bool, groups: Sequence[str]) -> None:
        """Create an account."""
        body = {"name": name, "password": password, "is_admin": is_admin, "groups": list(groups)}
        self.send("POST", "/api/users", json=body)

    def change_user(self, user_id: str, changes: Mapping[str, object]) -> None:
        """Change some of: is_admin, groups, active, password."""
        self.send("PATCH", f"/api/users/{user_id}", json=dict(changes))

    def delete_user(self, user_id: str) -> None:
        """Delete an account."""
        self.send("DELETE", f"/api/users/{user_id}")

    def groups(self) -> list[wire.Group]:
        """Return all groups."""
        return self.read_list(wire.Group, "/api/groups", "groups")

    def add_group(self, name: str) -> None:
        """Create a group."""
        self.send("POST", "/api/groups", json={"name": name})

    def delete_group(self, name: str) -> None:
        """Delete a group; collections that named it as reader are then closed to its members."""
        self.send("DELETE", f"/api/groups/{name}")

    def keys(self) -> list[wire.Key]:
        """Return the API keys that the caller may see."""
        return self.read_list(wire.Key, "/api/keys", "keys")

    def add_key(self, name: str) -> wire.Key:
        """Create an API key and return it with its secret, which is never shown again."""
        return self.parse(wire.Key, self.send("POST", "/api/keys", json={"name": name}))

    def delete_key(self, key_id: str) -> None:
        """Revoke an API key at once."""
        self.send("DELETE", f"/api/keys/{key_id}")
