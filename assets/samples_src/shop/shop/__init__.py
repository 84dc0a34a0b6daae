"""Tide & Twine: a small web shop for rope, lamps and boat fittings."""

__version__ = "2.3.1"
