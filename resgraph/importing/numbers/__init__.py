"""The numbers of a net: products with them, and formulas of what calls are."""
