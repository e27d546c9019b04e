"""People as staff sees them: who they are, what they may, and what was done to them."""
