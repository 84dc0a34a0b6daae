"""What shipping costs, net, by zone and weight."""

from shop.cart.summary import goods_net, weight
from shop.settings import FREE_SHIPPING_FROM
from shop.shipping.zones import zone_of

BASE = {"near": 490, "europe": 890, "islands": 1450, "world": 2400}
PER_KILO = 60


def shipping_for(lines, country):
    zone = zone_of(country)
    if zone == "near" and goods_net(lines) >= FREE_SHIPPING_FROM:
        return 0
    return BASE[zone] + PER_KILO * (weight(lines) // 1000)
