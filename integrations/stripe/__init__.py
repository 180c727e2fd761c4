"""Payments by Stripe: billing's port and the engine's outbox, over Stripe's own library."""
