"""What only this stack knows: made once, kept in its home, readable by its owner alone."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from ops import files
from ops.trouble import Trouble


@dataclass(frozen=True)
class Secrets:
    """Everything else that is secret is derived from `stack`."""

    stack: str
    postgres_superuser: str
    postgres: str
    redis: str


def load_or_make(home: Path) -> Secrets:
    """The secrets of this home; a damaged file is never replaced, for the data was made with it."""
    path = home / "secrets.json"
    try:
        return Secrets(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        made = Secrets(*(secrets.token_urlsafe(32) for _ in range(4)))
        files.write(path, json.dumps(asdict(made), indent=1))
        return made
    except (ValueError, TypeError) as error:
        raise Trouble(f"{path} cannot be read; bring it back, or start afresh with ./mayday reset") from error
