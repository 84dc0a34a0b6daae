"""At half past three, when even the gulls are asleep."""

from shop.cart.expiry import expire
from shop.jobs.send_mail import send_mail
from shop.mail import low_stock


def run(post):
    low_stock.send()
    return {"carts": expire(), "mails": send_mail(post)}
