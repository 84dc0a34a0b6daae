"""Session ids that cannot be guessed."""

import secrets


def new_session():
    return secrets.token_urlsafe(24)


def cookie(session):
    return f"session={session}; HttpOnly; Secure; SameSite=Lax; Path=/"
