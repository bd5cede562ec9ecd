"""A process that stores documents and keeps both indexes abreast until it is killed: `... URL INDEXES SEED`."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from knowledge import chunks, collections, documents
from knowledge.database import connect
from knowledge.indexes import Indexes
from knowledge.types import NewChunk
from tests.knowledge.building import ADMIN, HASH, hold


def main(url: str, folder: str, seed: int) -> None:
    """Store, replace and delete documents at random, saying "ready" once it goes on."""
    chance = random.Random(seed)
    engine = connect(url)
    indexes = Indexes(engine, Path(folder), HASH.name, HASH.dimension, check_every_s=1.0)
    indexes.start()
    found = collections.get(engine, ADMIN, "Handbook")
    assert found is not None
    print("ready", flush=True)
    while True:
        path = f"{chance.randrange(40)}.md"
        document = documents.add(engine, found.id, path, path, "text/plain", 1, "0" * 64, [], "user:a")
        if chance.random() < 0.1:
            documents.delete(engine, ADMIN, document.id)
            continue
        hold(engine, document.id, "w")
        texts = [f"{path} word{chance.randrange(1000)} part {n}" for n in range(chance.randrange(1, 60))]
        new = [NewChunk(text) for text in texts]
        chunks.replace(engine, document.id, "w", new, HASH.embed(texts), HASH.name, path)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
