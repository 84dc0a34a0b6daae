"""The only place that asks what time it is, so that tests can answer."""

from datetime import UTC, datetime

_fixed = None


def now():
    return _fixed or datetime.now(UTC)


def stop_at(moment):
    global _fixed
    _fixed = moment
