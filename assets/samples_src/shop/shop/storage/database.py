"""One connection, foreign keys on, waiting five seconds for a lock."""

import sqlite3

from shop.settings import DATABASE


def connect(path=DATABASE):
    connection = sqlite3.connect(path, timeout=5)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.row_factory = sqlite3.Row
    return connection
