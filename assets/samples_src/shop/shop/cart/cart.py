"""Lines by SKU, in the order in which they were put in."""

from dataclasses import dataclass, field

from shop.clock import now


@dataclass
class Cart:
    session: str
    lines: dict = field(default_factory=dict)
    coupon: str = ""
    touched: object = field(default_factory=now)

    def count(self):
        return sum(self.lines.values())
