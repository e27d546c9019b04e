"""Who may go, who most likely will, and whom to ask first."""
