"""Empty the outbox; what cannot be sent is written again."""

from shop.mail.outbox import empty, write


def send_mail(post):
    sent = 0
    for mail in empty():
        try:
            post(mail)
            sent += 1
        except OSError:
            write(mail.to, mail.subject, mail.text)
    return sent
