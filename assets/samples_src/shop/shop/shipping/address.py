"""Where a parcel goes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    name: str
    street: str
    postcode: str
    town: str
    country: str = "DK"

    def label(self):
        return "\n".join((self.name, self.street, f"{self.postcode} {self.town}", self.country))
