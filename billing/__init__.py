"""Billing: what was done becomes documents, exact to the cent. So far the pricing alone, which is pure: see README.md."""
