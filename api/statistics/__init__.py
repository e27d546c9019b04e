"""Figures over many calls for help."""
