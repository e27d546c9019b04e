"""Calls for help: sending one, seeing them, taking and ending them, hearing of them live."""
