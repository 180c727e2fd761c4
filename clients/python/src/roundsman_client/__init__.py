"""A typed client for Roundsman's REST API.

with Client("https://roundsman.example.org", api_key=key) as client:
    run = client.run_job("routing.plan_routes", {"area": "kim-335"}, wait_s=20)
"""

from .client import Client
from .errors import ApiError, FieldError, NotSignedIn, RoundsmanError, TimedOut, Unreachable
from .models import (
    Alert,
    BatchItem,
    Definition,
    Delivery,
    Event,
    LogLine,
    Progress,
    Queue,
    Run,
    RunError,
    Schedule,
    Webhook,
)  # fmt: skip
from .tokens import Memory, Store, Tokens

# Others have the name `Problem` for it.
Problem = ApiError

__all__ = [
    "Alert", "ApiError", "BatchItem", "Client", "Definition", "Delivery", "Event", "FieldError", "LogLine", "Memory", "NotSignedIn", "Problem",
    "Progress", "Queue", "RoundsmanError", "Run", "RunError", "Schedule", "Store", "TimedOut", "Tokens", "Unreachable",
    "Webhook",
]  # fmt: skip
