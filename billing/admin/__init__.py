"""The pages of billing: thin over the services and selectors."""
