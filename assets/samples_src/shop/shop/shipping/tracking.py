"""Links to follow a parcel."""

CARRIERS = {"post": "https://track.post.example/{}", "ship": "https://islandline.example/freight/{}"}


def link(carrier, number):
    return CARRIERS[carrier].format(number.replace(" ", ""))
