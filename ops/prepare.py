"""All that must stand before the first process starts: the schema, the demo, the broker's users.

Said again, it changes nothing.
"""

import json
import os
import sys

from broker.keeper import Keeper
from broker.settings import KeeperSettings
from db import migrate
from db.session import Database
from ops import demo, files
from ops.places import home_folder
from ops.stack import Stack, demo_file


def main() -> None:
    """Run by the supervisor before anything of ours that needs the tables."""
    migrate.upgrade(os.environ["MAYDAY_DATABASE_URL"])
    stack = Stack.open(home_folder())
    if stack is not None and "--demo" in sys.argv[1:]:
        files.write(demo_file(stack.home), json.dumps(demo.seed(stack), indent=1))
    # The broker does not start without these files; from now on the keeper keeps them.
    with Database(name="prepare").transaction() as session:
        Keeper(KeeperSettings()).look(session)


if __name__ == "__main__":
    main()
