"""Tow trucks, as the contract called evacuator writes them."""
