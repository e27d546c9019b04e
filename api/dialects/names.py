"""Names in contracts that know a first and a last one; a person has one name here."""


def join(first: str, last: str) -> str:
    """The one name."""
    return f"{first} {last}".strip()


def split(name: str) -> tuple[str, str]:
    """First and last name, as `join` would put them together again."""
    first, _, last = name.partition(" ")
    return first, last
