"""Money is counted in whole cents; only tax and rebates need fractions."""
