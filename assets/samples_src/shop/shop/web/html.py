"""The frame around every page."""

from html import escape

__all__ = ["escape", "layout", "link"]


def layout(title, body):
    return f"<!doctype html><title>{escape(title)}: Tide & Twine</title><main><h1>{escape(title)}</h1>{body}</main>"


def link(path, text):
    return f'<a href="{escape(path)}">{escape(text)}</a>'
