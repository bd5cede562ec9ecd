"""The ports that we listen on, looked at before anything slow starts."""

from __future__ import annotations

import socket

from assistant.errors import AssistantError


def bind(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return a listening socket, so that the port is known before anything else starts.

    Raises AssistantError when the port is taken or the address is not ours; `option` is what chooses another.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise AssistantError(
            f"Cannot listen on {host}:{port} ({error.strerror}). Choose another with {option}."
        ) from error
    return listener
