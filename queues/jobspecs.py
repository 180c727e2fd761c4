"""The engine's own jobs: names, parameters, defaults."""

from __future__ import annotations

import pydantic

from queues.registry import spec


class CleanHistory(pydantic.BaseModel):
    """What to delete, and how much at a time."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = pydantic.Field(default=False, title="Dry run", description="Count only; delete nothing.")
    chunk: int = pydantic.Field(default=500, ge=1, le=900, description="Rows deleted in one transaction.")
    samples_days: int = pydantic.Field(
        default=14, ge=1, le=3650, title="Samples, days", description="How long health samples are kept."
    )


clean_history = spec(
    "queues.clean_history",
    queue="maintenance",
    params=CleanHistory,
    title="Clean the history",
    description=(
        "Deletes finished runs with their events and logs once they are older than their definition's retention "
        "(their job's, where the definition has none), and old health samples. Live runs and effects are never touched."
    ),
    impact="Deletes finished runs past their retention, for good. A dry run counts them and deletes nothing.",
    timeout_s=3600,
    max_attempts=3,
    retention_days=30,
)
