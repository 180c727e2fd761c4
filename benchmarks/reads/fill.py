"""A month of a large hauler's runs, made by SQL: the same rows for the same number, but for the moment it ends at.

Runs: `count` of them, ids in the order of creation, more of them lately than long ago; most succeeded, a few in a hundred
dead or cancelled, the newest waiting, forty running, some due later; two in five of a definition, one in five with a
concurrency key, one in fifty with a dedupe key. Failed runs have events, one run in a hundred a log.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import psycopg

from benchmarks.own.ledger import ID
from benchmarks.reads.shares import SHARES

SEED, DAYS = 0.25, 30
DEFINITIONS, SCHEDULES, WORKERS, ENTRIES, KEYS = 24, 16, 60, 100_000, 5_000


def fill(url: str, count: int) -> None:
    """Fill an empty, migrated database and bring its statistics up to date, as autovacuum would. Raises psycopg.Error."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT setseed(%s)", [SEED])
        for sql in (_DEFINITIONS, _SCHEDULES, _WORKERS, _AUDIT):
            connection.execute(sql, _SIZES)  # type: ignore[arg-type]
        connection.execute(_RUNS, {**_SIZES, "count": count, "days": f"{DAYS} days", **_shares()})  # type: ignore[arg-type]
        connection.execute(_EVENTS)  # type: ignore[arg-type]
        connection.execute(_LOG)  # type: ignore[arg-type]
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def facts(url: str, some: int = 200) -> dict[str, Any]:
    """What the addresses of single things are made of: ids of runs (any, failed, with a log), definitions, schedules;
    and, in `moments`, what the lists' query strings take."""
    questions = {
        "runs": "SELECT id::text FROM queues_run ORDER BY md5(id::text) LIMIT %s",
        "failed": "SELECT id::text FROM queues_run WHERE state = 'dead' ORDER BY md5(id::text) LIMIT %s",
        "logged": "SELECT DISTINCT run_id::text FROM queues_runlogline ORDER BY 1 LIMIT %s",
        "definitions": "SELECT id FROM queues_jobdefinition ORDER BY id LIMIT %s",
        "schedules": "SELECT id FROM queues_schedule ORDER BY id LIMIT %s",
    }
    with psycopg.connect(url) as connection:
        found: dict[str, Any] = {
            name: [value for (value,) in connection.execute(sql, [some])]
            for name, sql in questions.items()  # type: ignore[arg-type]
        }
        found["moments"] = dict(connection.execute(_MOMENTS).fetchall())  # type: ignore[arg-type]
    return found


def _shares() -> dict[str, Sequence[Any]]:
    """For width_bucket: the jobs with their queues, and where each job's share ends, for both halves."""
    jobs, queues = list(SHARES), [queue for queue, *_ in SHARES.values()]
    ends = [list(accumulate(float(share[half]) for share in SHARES.values()))[:-1] for half in (1, 2)]
    return {"jobs": jobs, "queues": queues, "old": ends[0], "new": ends[1]}


_SIZES = {
    "definitions": DEFINITIONS, "schedules": SCHEDULES, "workers": WORKERS, "entries": ENTRIES, "keys": KEYS,
}  # fmt: skip

_DEFINITIONS = """
INSERT INTO queues_jobdefinition (name, job, description, params, enabled, "unique", created_at, updated_at, version)
SELECT 'Definition ' || n, CASE n %% 4 WHEN 0 THEN 'hauler.push' WHEN 1 THEN 'hauler.receipt' WHEN 2 THEN 'hauler.plan'
       ELSE 'hauler.invoice' END, '', '{}', n %% 9 <> 0, false, now() - interval '60 days', now(), 1
FROM generate_series(1, %(definitions)s) n"""

_SCHEDULES = """
INSERT INTO queues_schedule (name, definition_id, kind, cron, timezone, params, enabled, misfire, overlap, paused_by,
    pause_reason, next_fire_at, created_at, updated_at, version)
SELECT 'Schedule ' || n, (SELECT min(id) FROM queues_jobdefinition) + n %% %(definitions)s, 'cron',
       (n * 3 %% 60) || ' ' || (n %% 24) || ' * * 1-5', CASE n %% 2 WHEN 0 THEN 'Europe/Vienna' ELSE 'UTC' END, '{}', true,
       'once', 'queue', '', '', now() + n * interval '1 hour', now() - interval '60 days', now(), 1
FROM generate_series(1, %(schedules)s) n"""

_WORKERS = """
INSERT INTO queues_worker (id, name, host, pid, queues, slots, busy, started_at, beat_at, renewals, rss_mb, lock_path,
    stopped_at)
SELECT md5('worker' || n)::uuid, 'depot-' || n, 'host-' || n %% 6, 1000 + n, '["notifications", "email"]', 10, n %% 10,
       now() - n * interval '5 hours', now() + interval '1 hour' - greatest(n - 6, 0) * interval '4 hours', n, 104, '',
       CASE WHEN n > 6 THEN now() - n * interval '3 hours' END
FROM generate_series(1, %(workers)s) n"""

_AUDIT = """
INSERT INTO queues_auditentry (at, actor, source, address, request_id, action, object_type, object_id, object_label,
    after, why)
SELECT now() - interval '30 days' * (1 - n::float8 / %(entries)s), 'person-' || n %% 40,
       CASE WHEN n %% 5 = 0 THEN 'admin' ELSE 'api' END, '192.0.2.' || n %% 250, md5(n::text),
       CASE WHEN n %% 2000 = 0 THEN 'queue.clean' WHEN n %% 50 = 0 THEN 'schedule.pause' ELSE 'run.enqueue' END,
       CASE WHEN n %% 2000 = 0 THEN 'queue' WHEN n %% 50 = 0 THEN 'schedule' ELSE 'run' END, md5('o' || n), 'Push (sample)',
       '{"job": "hauler.push", "params": {"n": 7}}', ''
FROM generate_series(1, %(entries)s) n"""

_ID = ID.replace("%", "%%")
_RUNS = f"""
INSERT INTO queues_run (id, job, queue, state, priority, params, definition_id, schedule_id, dedupe_key, cache_key,
    concurrency_key, attempt, max_attempts, crashes, losses, timeout_s, backoff_base_s, backoff_cap_s, created_at, due_at,
    claimed_at, started_at, finished_at, lease_token, worker_id, progress_done, progress_total, progress_note, result,
    error_type, error_code, error_message, error_detail, spend_usd, log_dropped, actor, source, request_id)
SELECT {_ID}, (%(jobs)s::text[])[job], (%(queues)s::text[])[job], state, 0, jsonb_build_object('n', n),
    CASE WHEN of_definition < 0.4 THEN first_definition + floor(power(of_definition / 0.4, 3) * %(definitions)s)::int END,
    CASE WHEN of_definition < 0.05 THEN first_schedule + n %% %(schedules)s END,
    CASE WHEN kept < 0.02 THEN (%(jobs)s::text[])[job] || ':order-' || n END, '',
    CASE WHEN keyed < 0.2 THEN 'customer:' || floor(keyed / 0.2 * %(keys)s)::int ELSE '' END,
    CASE WHEN state IN ('pending', 'scheduled') THEN 0 WHEN state = 'dead' THEN 6 ELSE 1 END, 6, 0, 0, 300, 2, 60,
    at, CASE WHEN state = 'scheduled' THEN at + interval '3 days' ELSE at END,
    CASE WHEN state IN ('pending', 'scheduled') THEN NULL ELSE began END,
    CASE WHEN state IN ('pending', 'scheduled') THEN NULL ELSE began END,
    CASE WHEN state IN ('succeeded', 'dead', 'cancelled') THEN began + took * interval '4 seconds' END,
    CASE WHEN state = 'running' THEN md5('lease' || n)::uuid END, CASE WHEN state = 'running' THEN md5('worker1')::uuid END,
    CASE WHEN took < 0.3 THEN 3 END, CASE WHEN took < 0.3 THEN 3 END, '',
    CASE WHEN state = 'succeeded' THEN jsonb_build_object('n', n, 'told', repeat('x', 80)) END,
    CASE WHEN state = 'dead' THEN 'ProviderAway' ELSE '' END, CASE WHEN state = 'dead' THEN 'away' ELSE '' END,
    CASE WHEN state = 'dead' THEN 'The provider did not answer within 10 s.' ELSE '' END, '', 0, 0,
    'person-' || n %% 40, 'api', md5('r' || n)
FROM (
    SELECT *, at + waited * interval '2 seconds' AS began,
        1 + width_bucket(share, CASE WHEN n < %(count)s / 2 THEN %(old)s::float8[] ELSE %(new)s::float8[] END) AS job,
        CASE WHEN n >= %(count)s - 4000 AND n %% 100 = 7 THEN 'running'
             WHEN n >= %(count)s - 4000 AND end_of < 0.6 THEN 'pending'
             WHEN n >= %(count)s * 0.9 AND end_of > 0.985 THEN 'scheduled'
             WHEN end_of < 0.012 THEN 'dead' WHEN end_of < 0.02 THEN 'cancelled' ELSE 'succeeded' END AS state
    FROM (
        SELECT n, now() - %(days)s::interval * power(1 - (n + 1)::float8 / %(count)s, 1.3) AS at, random() * 1000 AS share,
            random() AS end_of, random() AS of_definition, random() AS kept, random() AS keyed, random() AS waited,
            random() AS took
        FROM generate_series(0, %(count)s - 1) n ORDER BY n
    ) drawn
) f, (SELECT min(id) AS first_definition FROM queues_jobdefinition) d, (SELECT min(id) AS first_schedule FROM queues_schedule) s
"""

_EVENTS = """
INSERT INTO queues_runevent (run_id, at, kind, attempt, actor, note, data)
SELECT id, finished_at - (6 - k) * interval '1 second', CASE WHEN k = 6 THEN 'failed' ELSE 'retry' END, k, '',
       'The provider did not answer within 10 s.', '{}'
FROM queues_run, generate_series(1, 6) k WHERE state = 'dead'"""

_LOG = """
INSERT INTO queues_runlogline (run_id, at, attempt, level, message)
SELECT id, started_at + k * interval '10 milliseconds', 1, 'info', 'line ' || k
FROM queues_run, generate_series(1, 40) k WHERE started_at IS NOT NULL AND abs(hashtext(id::text)) % 100 = 0"""

_MOMENTS = """
SELECT 'old', to_char(now() AT TIME ZONE 'UTC' - interval '10 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
UNION ALL SELECT 'older', to_char(now() AT TIME ZONE 'UTC' - interval '25 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
UNION ALL (SELECT 'kept', split_part(dedupe_key, 'order-', 2) FROM queues_run WHERE dedupe_key IS NOT NULL ORDER BY id LIMIT 1)"""
