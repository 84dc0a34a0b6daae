"""A customer is known by the address of their mailbox."""

from dataclasses import dataclass, field


@dataclass
class Customer:
    mail: str
    name: str
    secret: str = ""
    points: int = 0
    addresses: list = field(default_factory=list)
    news: bool = False
