"""A stand-in for the HTTP API, for tests of the pages and for trying them without a server.

It keeps the same promises in memory: accounts, readers of collections, documents that take a while to be read,
conversations as trees of versions, streamed answers that can be resumed and stopped. Its answers are made by rule from
the words that a question and a passage share, or scripted by the test.
"""

from ui.fake_api.server import FakeApi, serve
from ui.fake_api.world import World

__all__ = ["FakeApi", "World", "serve"]
