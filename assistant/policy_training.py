"""Trains the routing policy on this installation's own turn records and ratings."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine, select

from assistant import record
from assistant.models.errors import PolicyRefused
from assistant.models.policy import shelf
from assistant.models.policy.estimate import estimate
from assistant.models.policy.learner import Experience, learn
from assistant.models.policy.reward import experience
from assistant.models.policy.shelf import Stored
from assistant.tables import feedback
from knowledge.database import reading

MOST = 50_000  # experiences, the latest
FEWEST = 20


def experiences(engine: Engine) -> list[Experience]:
    """Return what the turn records of routed questions teach, oldest first."""
    with reading(engine) as connection:
        ratings = {row.turn_id: row.rating for row in connection.execute(select(feedback.c.turn_id, feedback.c.rating))}
    found = (experience(one.data, ratings.get(one.turn_id)) for one in _records(engine))
    return [one for one in found if one is not None][-MOST:]


def train(engine: Engine, by: str, seed: int = 0) -> Stored:
    """Learn a policy, judge it against the decision table, and keep both; it does not act. Takes seconds.

    Raises PolicyRefused when there is next to nothing to learn from.
    """
    found = experiences(engine)
    if len(found) < FEWEST:
        raise PolicyRefused(
            f"There are {len(found)} routed questions on record, {FEWEST} are needed. Set models.explore, so that "
            "other choices are tried now and then, and let people rate answers."
        )
    return shelf.add(engine, learn(found, seed=seed), estimate(found, seed=seed), by)


def _records(engine: Engine) -> Iterator[record.StoredRecord]:
    after = 0
    while batch := record.read(engine, after):
        yield from batch
        after = batch[-1].seq
