"""Accessible taxis, as the contract called invo writes them."""
