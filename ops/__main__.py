"""`python -m ops`, which ./mayday runs."""

from ops.cli import main

main()
