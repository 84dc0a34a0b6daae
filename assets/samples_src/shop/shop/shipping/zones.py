"""Countries by how far the van and the ship have to go."""

ZONES = {"near": ("DK", "DE", "SE"), "europe": ("NL", "FR", "NO", "PL", "FI"), "islands": ("FO", "IS", "GL")}


def zone_of(country):
    return next((zone for zone, members in ZONES.items() if country in members), "world")
