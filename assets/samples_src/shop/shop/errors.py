"""What can go wrong on purpose. Each error knows its HTTP status."""


class ShopError(Exception):
    status = "400 Bad Request"


class NotFound(ShopError):
    status = "404 Not Found"


class OutOfStock(ShopError):
    status = "409 Conflict"


class PaymentRefused(ShopError):
    status = "402 Payment Required"
