"""Orders and tickets, as the contract called catalyst writes them."""
