from shop.jobs import nightly
from shop.mail.outbox import empty


def test_what_cannot_be_sent_waits_for_the_next_night():
    def broken(mail):
        raise OSError

    nightly.run(broken)
    waiting = len(empty())
    assert waiting == nightly.run(broken)["mails"]
