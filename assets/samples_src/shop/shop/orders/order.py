"""An order keeps prices as they were when it was placed."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class OrderLine:
    sku: str
    count: int
    net_cents: int


@dataclass
class Order:
    number: str
    customer: str
    lines: list[OrderLine]
    shipping_cents: int = 0
    coupon_cents: int = 0
    status: str = "new"
    history: list = field(default_factory=list)
