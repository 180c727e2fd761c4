"""Making documents' files ahead of their first download. On the queue of reports: it changes no money, and must not hold up what does."""

from __future__ import annotations

from billing.jobspecs.runs import OfRun
from queues.registry import spec

make_files = spec(
    "billing.make_files", queue="reports", params=OfRun, title="Make a billing run's files",
    description="Makes PDF and EN 16931 XML of the run's final documents, ready to be sent.",
    impact="Makes files that are kept for good. Nothing is sent.",
    timeout_s=3600, sla_warning_s=300, sla_critical_s=1800,
)  # fmt: skip
