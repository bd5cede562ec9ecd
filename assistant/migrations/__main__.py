"""For developers: write the next migration from the difference between tables.py and the migrations so far.

python -m assistant.migrations "turns get a language"
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from assistant.database import MIGRATIONS, migrate
from knowledge.database import connect


def main(message: str) -> None:
    """Write `versions/<number>_<message>.py` for review."""
    number = f"{len(list((MIGRATIONS / 'versions').glob('*.py'))) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/empty.db")
        if number != "0001":
            migrate(engine, Path(folder))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
