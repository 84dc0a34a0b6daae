"""Keep seven daily copies of the database and one from each month."""


def to_delete(names):
    """Names are YYYY-MM-DD; the newest seven and the first of each month stay."""
    ordered = sorted(names, reverse=True)
    first_of_month = {min(n for n in ordered if n[:7] == name[:7]) for name in ordered}
    return [name for name in ordered[7:] if name not in first_of_month]
