"""The ledger's nouns, one a file. State changes only in `queues.ledger`; nothing here has side effects."""

from queues.models.alert import Alert
from queues.models.alert_event import AlertEvent
from queues.models.alert_override import AlertOverride
from queues.models.alert_watch import AlertWatch
from queues.models.allowance import Allowance, Spending
from queues.models.api_key import ApiKey
from queues.models.audit import AuditEntry
from queues.models.audit_seal import AuditSeal
from queues.models.definition import JobDefinition
from queues.models.effect import EffectRecord
from queues.models.error_rule import ErrorRule
from queues.models.event import RunEvent, RunLogLine
from queues.models.health import HealthSample, QueueHealth
from queues.models.idempotency import IdempotencyRecord
from queues.models.outbox import OutboundCall
from queues.models.queue import Queue, Slot
from queues.models.run import Run
from queues.models.schedule import Fire, Schedule
from queues.models.second_factor import Authenticator, BackupCodes
from queues.models.switch import Switch
from queues.models.token_family import TokenFamily
from queues.models.webhook import WebhookEndpoint
from queues.models.webhook_delivery import WebhookAttempt, WebhookDelivery, WebhookTally
from queues.models.worker import Worker

__all__ = [
    "Alert",
    "AlertEvent",
    "AlertOverride",
    "AlertWatch",
    "Allowance",
    "ApiKey",
    "AuditEntry",
    "AuditSeal",
    "Authenticator",
    "BackupCodes",
    "EffectRecord",
    "ErrorRule",
    "Fire",
    "HealthSample",
    "IdempotencyRecord",
    "JobDefinition",
    "OutboundCall",
    "Queue",
    "QueueHealth",
    "Run",
    "RunEvent",
    "RunLogLine",
    "Schedule",
    "Slot",
    "Spending",
    "Switch",
    "TokenFamily",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookTally",
    "Worker",
]
