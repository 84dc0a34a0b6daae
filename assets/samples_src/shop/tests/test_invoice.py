from shop.invoices.invoice import invoice_for
from shop.orders.order import Order, OrderLine


def test_the_tax_is_inside_the_rounded_total():
    invoice = invoice_for(Order("n9", "c", [OrderLine("L1", 1, 5900)]))
    assert (invoice.gross, invoice.tax) == (7020, 1121)
