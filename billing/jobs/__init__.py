"""Binds the handlers: thin over the services."""

from billing.jobs import paper as paper
from billing.jobs import payments as payments
from billing.jobs import runs as runs
