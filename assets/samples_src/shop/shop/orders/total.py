"""What a customer pays for an order."""

from fractions import Fraction

from shop.money.discount import volume_rebate
from shop.money.rounding import to_step
from shop.money.tax import with_tax

CASH_STEP = 5  # cents; the till on the quay has no smaller coins


def rounded_total(order) -> int:
    """Return the total in cents. Nothing is rounded before: the order total is rounded here, once."""
    goods = sum(line.net_cents * line.count for line in order.lines)
    net = goods - volume_rebate(goods) - order.coupon_cents + order.shipping_cents
    return to_step(with_tax(max(Fraction(0), Fraction(net))), CASH_STEP)
