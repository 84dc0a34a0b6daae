"""Tax collected in a quarter, from the invoices."""

QUARTERS = {1: (1, 2, 3), 2: (4, 5, 6), 3: (7, 8, 9), 4: (10, 11, 12)}


def vat_return(invoices_by_month, quarter):
    return sum(invoice.tax for month in QUARTERS[quarter] for invoice in invoices_by_month.get(month, ()))
