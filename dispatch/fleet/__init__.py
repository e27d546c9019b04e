"""Drivers at work: their shifts, what they come with, what they were asked and what they earned."""
