from shop.customers.customer import Customer
from shop.customers.loyalty import earn, gifts


def test_fifty_points_are_a_coil_of_twine():
    customer = Customer("m@q", "Mara", points=45)
    earn(customer, 7_020)
    assert gifts(customer) == 1
    assert customer.points == 2
