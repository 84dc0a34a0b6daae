"""Search by words; every word has to begin some word of the name."""

from shop.catalog.repository import everything


def search(question):
    wanted = question.lower().split()
    return [p for p in everything() if all(_begins(p.name, word) for word in wanted)]


def _begins(name, word):
    return any(part.startswith(word) for part in name.lower().split())
