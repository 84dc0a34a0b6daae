"""The tree of categories, as shown in the side bar."""

TREE = {
    "rope": ("hemp", "nylon", "splicing"),
    "light": ("lamps", "glasses", "wicks"),
    "deck": ("cleats", "blocks", "shackles"),
}


def parent_of(name):
    return next((top for top, below in TREE.items() if name in below), None)
