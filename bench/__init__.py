"""What is measured against what: one command starts everything it needs and prints a table."""
