"""Try a payment again after 1, 4 and 16 minutes."""

WAITS = (60, 240, 960)  # seconds


def with_retries(action, sleep):
    for wait in WAITS:
        try:
            return action()
        except ConnectionError:
            sleep(wait)
    return action()
