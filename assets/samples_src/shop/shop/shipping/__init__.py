"""Boxes, tubes and how they travel."""
