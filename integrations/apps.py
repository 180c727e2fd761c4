"""Makes the providers known that are set up here."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Integrations"

    def ready(self) -> None:
        if settings.STRIPE_API_KEY:
            from integrations.stripe import setting_up  # the library takes time and memory: only where it is used

            setting_up.start(
                settings.STRIPE_API_KEY, secrets=settings.STRIPE_WEBHOOK_SECRETS, api_base=settings.STRIPE_API_BASE
            )
