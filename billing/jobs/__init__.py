"""Binds the handlers: thin over the services."""

from billing.jobs import payments as payments
