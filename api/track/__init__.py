"""Watching an order without a login, by a link that its customer gave."""
