"""Twenty-four things to a page."""

SIZE = 24


def page_of(things, number):
    last = max(1, -(-len(things) // SIZE))
    number = min(max(1, number), last)
    return things[(number - 1) * SIZE : number * SIZE], last
