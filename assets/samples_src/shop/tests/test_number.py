from shop.orders.number import check_digit, next_number


def test_numbers_carry_their_check_digit():
    digits, check = next_number().split("-")
    assert digits.startswith("26")
    assert check_digit(digits) == int(check)
