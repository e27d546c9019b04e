"""What a person is told when something cannot go on."""


class Trouble(Exception):
    """One line that says what is wrong and what to do; shown without a traceback."""
