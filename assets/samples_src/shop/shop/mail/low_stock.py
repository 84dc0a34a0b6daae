"""Tell the buyer what is running out."""

from shop.catalog.stock import low
from shop.mail.outbox import write

BUYER = "astrid@tide-and-twine.example"


def send():
    skus = low()
    if skus:
        write(BUYER, f"{len(skus)} things are running out", ", ".join(skus))
