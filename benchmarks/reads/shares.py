"""How the runs of a large hauler are shared among its jobs."""

from __future__ import annotations

# Job: its queue, and its share of a thousand runs in the older half of the history and in the newer one. So there is a
# queue that is seldom used (billing), one that has stood still for long (data-sync), and jobs that are seldom run.
SHARES: dict[str, tuple[str, float, float]] = {
    "hauler.push": ("notifications", 300, 340),
    "hauler.sms": ("notifications", 110, 120),
    "hauler.receipt": ("email", 200, 240),
    "hauler.digest": ("email", 40, 50),
    "hauler.geocode": ("external-api", 110, 120),
    "hauler.sync_trucks": ("data-sync", 140, 0),
    "hauler.plan": ("route-optimization", 50, 60),
    "hauler.report": ("reports", 30, 40),
    "hauler.tidy": ("maintenance", 18.9, 28.95),
    "hauler.invoice": ("billing", 1, 1),
    "hauler.merge_depots": ("maintenance", 0.1, 0),
    "hauler.close_month": ("reports", 0, 0.05),
}
ENQUEUED = "hauler.push"
