"""The documented contracts of others: each a thin translation of words onto the same services."""
