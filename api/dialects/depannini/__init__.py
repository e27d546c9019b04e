"""Roadside assistance, as the contract called depannini writes it: an assistant is a driver."""
