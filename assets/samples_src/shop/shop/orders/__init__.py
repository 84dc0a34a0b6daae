"""From the cart to the parcel."""
