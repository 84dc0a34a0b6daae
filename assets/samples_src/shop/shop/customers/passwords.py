"""Passwords are scrambled with scrypt and a fresh salt."""

import hashlib
import hmac
import os


def scramble(password, salt=None):
    salt = salt or os.urandom(16)
    return f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1).hex()}"


def matches(password, scrambled):
    salt = bytes.fromhex(scrambled.split(":")[0])
    return hmac.compare_digest(scramble(password, salt), scrambled)
