"""The lists of runs that are asked for: each filter by itself and the combinations that people make. Name → query string.

`{old}`, `{older}`: moments in the middle and in the first days of the history, as a query string takes them.
"""

from __future__ import annotations

LISTS = {
    "all": "",
    "all, oldest first": "order=created",
    "all, few fields": "fields=id,state,job&limit=200",
    "succeeded": "state=succeeded",
    "dead": "state=dead",
    "dead or cancelled": "state=dead,cancelled",
    "pending": "state=pending",
    "running": "state=running",
    "busy queue": "queue=notifications",
    "queue that stands still": "queue=data-sync",
    "rare queue": "queue=billing",
    "rare queue, dead": "queue=billing&state=dead",
    "busy queue, dead": "queue=notifications&state=dead",
    "busy job": "job=hauler.push",
    "rare job": "job=hauler.merge_depots",
    "rare job, oldest first": "job=hauler.close_month&order=created",
    "rare job, dead": "job=hauler.merge_depots&state=dead",
    "job without runs": "job=queues.settle_calls",
    "definition": "definition=Definition 3",
    "definition, dead": "definition=Definition 3&state=dead",
    "rare definition": "definition=Definition 24",
    "schedule": "schedule=Schedule 5",
    "schedule, dead": "schedule=Schedule 5&state=dead",
    "key": "concurrency_key=customer:77",
    "key, dead": "concurrency_key=customer:77&state=dead",
    "dedupe key": "dedupe_key=order-{kept}",
    "created since": "created_since={old}",
    "created until": "created_until={older}",
    "created until, rare queue": "created_until={older}&queue=billing",
    "finished since": "finished_since={old}",
    "finished until": "finished_until={older}",
    "finished since, dead": "finished_since={old}&state=dead",
    "text: title": "q=push",
    "text: rare title": "q=merge depots",
    "text: definition": "q=Definition 2",
    "text: key": "q=customer:77",
    "text: nothing": "q=nothing like it",
    "text: rare title, dead": "q=close month&state=dead",
}
