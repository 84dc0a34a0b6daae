"""What is asked about the samples, what is right, and the words that show it. Tables only.

A row is (question, answers, quotes); every quote stands word for word in the sample.
No quotes: the sample does not say.
"""

from __future__ import annotations

Row = tuple[str, tuple[str, ...], tuple[str, ...]]

LEASE: tuple[Row, ...] = (
    (
        "What notice must the tenant give?",
        ("thirty (30) days", "30 days"),
        (
            "From 1 July 2025 the notice that the Tenant must give to end this lease is thirty (30) days in place of "
            "ninety days.",
            "by giving the Landlord notice of ninety (90) days in writing.",
        ),
    ),
    (
        "What notice did the tenant have to give before the amendment?",
        ("ninety (90) days", "90 days"),
        ("by giving the Landlord notice of ninety (90) days in writing.",),
    ),
    (
        "How much is the deposit?",
        ("11,550 euros",),
        ("the Tenant pays a deposit of 11,550 euros, which is three months' rent of the first year.",),
    ),
    (
        "Who is the guarantor?",
        ("Ottoline Brandt",),
        ("Guarantor. Ottoline Brandt, master sailmaker, of Lantern Hill 3",),
    ),
    (
        "When does the lease begin?",
        ("1 March 2024",),
        ("The lease begins on 1 March 2024 and runs for ten years, until the end of 28 February 2034.",),
    ),
    ("How many keys are there?", ("eight",), ("There are eight keys: three for the quay door",)),
    (
        "What may the crane lift?",
        ("8 tonnes",),
        ("The crane, built in 1961 by Nordhaus and Sons, lifts 8 tonnes.",),
    ),
    (
        "What is the highest water level so far?",
        ("3.42 metres",),
        ("The highest level so far, 3.42 metres, was measured on 6 December 2013",),
    ),
    (
        "Which boat is pledged to the guarantor?",
        ("the half-finished ketch Marguerite", "Marguerite"),
        ("the Tenant has pledged to the Guarantor the half-finished ketch Marguerite, building number 61",),
    ),
    (
        "What did the surveyor measure at the almshouse with the lane door shut?",
        ("58 decibels",),
        ("With the big planer running and the lane door shut I found 58 decibels",),
    ),
    (
        "Which notice period applies to the landlord?",
        ("one year",),
        ("The Landlord may end the lease by one year's notice",),
    ),
    (
        "How much does the museum pay since Amendment No. 2?",
        ("1,650 euros",),
        ("The museum's yearly payment rises from 1,100 to 1,650 euros.",),
    ),
    ("Who is the guarantor's dentist?", (), ()),
    ("What is the telephone number of the harbour manager?", (), ()),
)

ANNEX: tuple[Row, ...] = (
    ("What is the rent in the third year?", ("4,010",), ("3 | 1 March 2026 | 28 February 2027 | 4,010",)),
    ("How high is the advance on shared costs?", ("290 euros",), ("The advance on shared costs is 290 euros",)),
    (
        "What does the mooring at pontoon D cost?",
        ("95 euros",),
        ("The mooring at pontoon D, place 14, costs 95 euros",),
    ),
    ("What is the rent in the twelfth year?", (), ()),
)

MEETING: tuple[Row, ...] = (
    (
        "What did we decide about the budget?",
        ("forty-two thousand euros, and six thousand five hundred of it are held back as a reserve",),
        ("The budget is forty-two thousand euros, and six thousand five hundred of it are held back as a reserve.",),
    ),
    (
        "When is the opening?",
        ("the sixteenth of June",),
        ("Then the opening moves from the ninth to the sixteenth of June.",),
    ),
    (
        "Will there be a printed catalogue?",
        ("no printed catalogue",),
        ("Then decision number three is that there is no printed catalogue.",),
    ),
    (
        "Who orders the display cases, and by when?",
        ("Thursday, the second of April", "Hanne"),
        ("I order the fourteen display cases from Lindqvist by Thursday, the second of April.",),
    ),
    (
        "What will Ruben send to the engineer, and by when?",
        ("the revised floor plan",),
        ("I send the revised floor plan to Tjorven Aakre by Friday, the twenty-seventh of March.",),
    ),
    (
        "In which languages is the audio guide made?",
        ("English and in Danish", "English and Danish"),
        ("We make an audio guide, in English and in Danish.",),
    ),
    (
        "What remained open?",
        ("Where do the coaches park while the quay is being dug up",),
        ("One thing remains open. Where do the coaches park while the quay is being dug up?",),
    ),
    ("How much does the audio guide cost?", (), ()),
)

# Quotes name their file: path, then the words.
SHOP: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]], ...] = (
    (
        "Where is the order total rounded, and who calls it?",
        ("rounded_total",),
        (
            ("shop/orders/total.py", "def rounded_total(order) -> int:"),
            ("shop/orders/place.py", 'tell("order_placed", order=order, total=rounded_total(order))'),
            ("shop/payment/charge.py", "cents = rounded_total(order)"),
            ("shop/invoices/invoice.py", "gross = rounded_total(order)"),
            ("shop/reports/daily_sales.py", "return sum(rounded_total(order) for order in orders"),
            ("scripts/till.py", "return given_cents - rounded_total(get_order(number))"),
        ),
    ),
    (
        "To how many cents is an order total rounded?",
        ("5",),
        (("shop/orders/total.py", "CASH_STEP = 5  # cents; the till on the quay has no smaller coins"),),
    ),
    (
        "From which value of goods is shipping free?",
        ("7500",),
        (("shop/settings.py", "FREE_SHIPPING_FROM = 7500  # cents"),),
    ),
    (
        "How long does a cart live?",
        ("three days", "72"),
        (
            ("shop/cart/expiry.py", "Carts that nobody touched for three days are emptied."),
            ("shop/settings.py", "CART_LIFETIME_HOURS = 72"),
        ),
    ),
    (
        "How many of one thing may be bought?",
        ("40",),
        (("shop/cart/limits.py", "MOST_OF_ONE = 40"),),
    ),
    (
        "After how many wrong tries is a login refused?",
        ("5", "five"),
        (("shop/customers/login.py", "five wrong tries close the door for a quarter of an hour."),),
    ),
    (
        "What share is refunded after thirty days?",
        ("80", "four fifths"),
        (("shop/orders/returns.py", "return 100 if days <= 14 else 80"),),
    ),
    (
        "How does the shop make sure that a webhook comes from the payment company?",
        ("hmac",),
        (("shop/payment/webhook.py", "expected = hmac.new(key, body, hashlib.sha256).hexdigest()"),),
    ),
    (
        "What does the third reminder cost?",
        ("750",),
        (("shop/invoices/reminder.py", "FEES = {14: 0, 28: 0, 42: 750}"),),
    ),
    ("Which class sends text messages to customers?", (), ()),
)

CHRONICLE_UNANSWERABLE = (
    "Who painted the portrait of the bishop of Marrick?",
    "What did the windmill of Saltby grind on Sundays?",
    "How many ships did the warden of Vennor send to Lisbon in 1412?",
)
