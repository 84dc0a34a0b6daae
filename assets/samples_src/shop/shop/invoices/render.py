"""An invoice as plain text, which never fails to print."""

from shop.money.text import price


def render(invoice, address):
    return "\n".join(
        (
            address.label(),
            "",
            f"Invoice {invoice.number}",
            f"To pay {price(invoice.gross)}",
            f"Tax {price(invoice.tax)}",
        )
    )
