"""What goes in and out where webhooks are made, and what they were told is looked at."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from queues import catalogue
from queues.api.definition_serializers import why
from queues.api.fields import Moment, Strict
from queues.api.pages import PageQuery
from queues.ledger.webhook_endpoints import BOTH_SIGN_S
from queues.ledger.webhook_events import EVENTS, TEST
from queues.models import WebhookDelivery

Serializer = serializers.Serializer[Any]
STATES = ("on", "paused", "disabled")
TOLD = (*EVENTS, TEST)
LONGEST_S = 7 * 86_400  # that two secrets sign


class WebhookFields(Strict):
    """What its owner may set."""

    description = serializers.CharField(required=False, allow_blank=True, max_length=200, help_text="What it is for.")
    jobs = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        max_length=100,
        help_text="Only of runs of these jobs. Empty: of all.",
    )
    why = why()


@extend_schema_serializer(component_name="Webhook")  # the schema adds "Request"
class WebhookRequest(WebhookFields):
    """Where to tell what."""

    url = serializers.CharField(
        max_length=1000, help_text="https://, to a public address, port 443 or one from 1024 on."
    )
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENTS), min_length=1, max_length=len(EVENTS))
    queues = serializers.ListField(
        child=serializers.ChoiceField(choices=catalogue.NAMES),
        min_length=1,
        max_length=len(catalogue.NAMES),
        help_text="Of what happens on these queues. You must have the right to read them, now and whenever it is told.",
    )


@extend_schema_serializer(component_name="WebhookChange")
class WebhookChange(WebhookFields):
    """What is left out stays as it is."""

    url = serializers.CharField(max_length=1000, required=False)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENTS), required=False, min_length=1, max_length=len(EVENTS)
    )
    queues = serializers.ListField(
        child=serializers.ChoiceField(choices=catalogue.NAMES),
        required=False,
        min_length=1,
        max_length=len(catalogue.NAMES),
    )
    enabled = serializers.BooleanField(
        required=False,
        help_text="false: nothing is sent, nothing new is kept for it. true: it goes on, with what waited.",
    )


@extend_schema_serializer(component_name="WebhookRotation")
class WebhookRotation(Strict):
    """A new secret."""

    both_sign_s = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_S,
        default=BOTH_SIGN_S,
        help_text="How long the secret before signs as well, in seconds. 0: not at all.",
    )
    why = why()


@extend_schema_serializer(component_name="WebhookWhy")
class WebhookWhy(Strict):
    """Perhaps why."""

    why = why()


@extend_schema_serializer(component_name="WebhookReplay")
class WebhookReplay(Strict):
    """Which dead messages are sent again."""

    since = Moment(help_text="Those of events then or later.")
    why = why()


class WebhookAnswer(Serializer):
    """A webhook as its owner has set it. How it fares is told by the list."""

    id = serializers.UUIDField()
    url = serializers.CharField(help_text="Where it leads.")
    href = serializers.CharField(help_text="Where to ask for it again.")
    owner = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENTS))
    queues = serializers.ListField(child=serializers.ChoiceField(choices=catalogue.NAMES))
    jobs = serializers.ListField(child=serializers.CharField())
    enabled = serializers.BooleanField()
    state = serializers.ChoiceField(
        choices=STATES, help_text="disabled: by itself, for nothing arrived, or it answered 410."
    )
    disabled_at = Moment(allow_null=True)
    disabled_why = serializers.CharField(allow_blank=True)
    previous_secret_until = Moment(allow_null=True, help_text="Until then two secrets sign.")
    created_at = Moment()
    updated_at = Moment()
    version = serializers.IntegerField(help_text="Counts the changes.")


class WebhookSecret(WebhookAnswer):
    """With its secret, which is told this once."""

    secret = serializers.CharField(help_text="whsec_…: what the receiver proves signatures with. Keep it safe.")


class WebhookItem(WebhookAnswer):
    """A webhook in the list, with how it fares."""

    last_success_at = Moment(allow_null=True, help_text="To the minute.")
    failing_since = Moment(allow_null=True, help_text="null: what was sent last has arrived.")
    pending = serializers.IntegerField(help_text="Messages on their way.")
    dead = serializers.IntegerField(help_text="Messages that did not arrive.")


class WebhookPage(Serializer):
    items = WebhookItem(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page's path; null: this is the last one.")


class WebhookQuery(PageQuery):
    """The newest first."""

    enabled = serializers.BooleanField(required=False, allow_null=True, default=None)
    owner = serializers.CharField(required=False, max_length=150, help_text="A user's name; for admins.")


class DeliveryAnswer(Serializer):
    """A message."""

    id = serializers.UUIDField(help_text="The `webhook-id` that it is sent with, each time.")
    href = serializers.CharField(help_text="Where to ask for it again.")
    event = serializers.ChoiceField(choices=TOLD)
    queue = serializers.ChoiceField(choices=catalogue.NAMES, allow_null=True)
    subject = serializers.CharField(allow_blank=True, help_text="The run's or the alert's id.")
    state = serializers.ChoiceField(choices=WebhookDelivery.State.choices)
    attempts = serializers.IntegerField(help_text="Since it was made, or sent again by hand.")
    status = serializers.IntegerField(allow_null=True, help_text="Of the last answer.")
    error = serializers.CharField(allow_blank=True)
    created_at = Moment()
    next_at = Moment(allow_null=True, help_text="When it is sent next; null: never.")
    done_at = Moment(allow_null=True, help_text="When it arrived, or was given up.")


class AttemptAnswer(Serializer):
    """One sending."""

    at = Moment()
    status = serializers.IntegerField(allow_null=True, help_text="null: there was no answer.")
    duration_ms = serializers.IntegerField()
    error = serializers.CharField(allow_blank=True)
    excerpt = serializers.CharField(allow_blank=True, help_text="The answer's first kilobyte.")


class DeliveryDetail(DeliveryAnswer):
    """A message with what is sent, and each time it was tried."""

    payload = serializers.CharField(help_text="JSON, byte for byte as it is sent and signed.")
    tries = AttemptAnswer(many=True)


class DeliveryPage(Serializer):
    items = DeliveryAnswer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page's path; null: this is the last one.")


class DeliveryQuery(PageQuery):
    """The newest first."""

    state = serializers.ChoiceField(choices=WebhookDelivery.State.choices, required=False)
    event = serializers.ChoiceField(choices=TOLD, required=False)
    since = Moment(required=False, help_text="Made then or later. With an offset.")


class ReplayAnswer(Serializer):
    """How many messages are sent again."""

    replayed = serializers.IntegerField()
