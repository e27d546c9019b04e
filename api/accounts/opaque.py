"""Secrets of nothing but chance, kept as hashes: they are too many to be guessed, so none is stretched."""

import hashlib


def digest(secret: str) -> str:
    """What is kept in place of the secret, and what it is found by."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
