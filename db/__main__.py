"""`python -m db migrate`: bring the database at MAYDAY_DATABASE_URL to the newest schema."""

import sys

from db import migrate
from db.settings import DatabaseSettings

_VERBS = {"migrate": migrate.upgrade, "check": migrate.check}


def main() -> None:
    """Do the one verb that was given."""
    if len(sys.argv) != 2 or sys.argv[1] not in _VERBS:
        sys.exit(f"usage: python -m db {'|'.join(_VERBS)}")
    _VERBS[sys.argv[1]](DatabaseSettings().database_url.get_secret_value())


if __name__ == "__main__":
    main()
