"""Binds the handlers: thin over the services."""
