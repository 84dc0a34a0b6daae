"""The ten things that sold most often."""

from collections import Counter


def bestsellers(orders, limit=10):
    sold = Counter()
    for order in orders:
        for line in order.lines:
            sold[line.sku] += line.count
    return sold.most_common(limit)
