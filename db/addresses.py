"""The database's address, as each of its clients writes it."""


def driver_dsn(url: str) -> str:
    """SQLAlchemy's address as psycopg and psql write it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
