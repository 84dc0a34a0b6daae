"""When somebody logs in, the cart of the visit joins the cart of the account."""

from shop.cart.limits import MOST_OF_ONE


def merge(account, visit):
    for sku, count in visit.lines.items():
        account.lines[sku] = min(MOST_OF_ONE, account.lines.get(sku, 0) + count)
    account.coupon = account.coupon or visit.coupon
    visit.lines.clear()
    return account
