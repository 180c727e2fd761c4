"""Damage done on purpose: each mutant takes one guard out of the engine, and one named test must notice.

A mutant is a replacement in a module's source, made while the module is imported; what is cut must stand there exactly
once, so that a mutant whose guard has moved fails instead of proving nothing. Named by the environment variable MUTANT
this file is a pytest plugin: `MUTANT=no-queue-lock python -m pytest -p tests.engine.mutants --nomigrations …`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType


@dataclass(frozen=True)
class Cut:
    """In `module`, `text` becomes `put`."""

    module: str
    text: str
    put: str


@dataclass(frozen=True)
class Mutant:
    """`test` must fail. `postgres`: it takes two transactions at the same moment."""

    test: str
    cuts: tuple[Cut, ...]
    postgres: bool = False


FINISH, CLAIM, CONTEXT = "queues.ledger.finish", "queues.ledger.claim", "queues.engine.context"
LOST, ONCE, LIMITS = "test_lost_lease.py::", "test_effects_once.py::", "test_limits_at_once.py::"
LEDGER, FIRES = "test_ledger.py::", "../timetable/test_fires.py::"
BEHIND = "test_behind.py::"
CHANGES = "../timetable/test_clock_changes_simulated.py::"
PAIR = 'key=("pk", "lease_token")'
FIRE_LOCK = Cut(
    "queues.timetable.fires", '_active().select_for_update(skip_locked=True, of=("self",)).select_related', "_active().select_related",
)  # fmt: skip
FIRE_UNIQUE = Cut("queues.models.schedule", 'fields=["schedule", "fire_at"]', 'fields=["schedule", "fire_at", "id"]')

MUTANTS = {
    # --- the lease ---
    "finish without the lease": Mutant(
        LOST + "test_its_success_is_refused",
        (
            Cut(FINISH, '            "lease_token": e.claim.token,\n', ""),
            Cut(FINISH, f"rows, {PAIR}, fixed=_SUCCEEDED", "rows, fixed=_SUCCEEDED"),
        ),
    ),
    "a failure without the lease": Mutant(
        LOST + "test_its_failure_is_refused",
        (Cut(FINISH, "if held.get(e.claim.id, (None,))[0] == e.claim.token]", "if e.claim.id in held]"),),
    ),
    "give back without the lease": Mutant(
        LOST + "test_it_gives_nothing_back", (Cut(CLAIM, "if token == tokens[run_id].token", "if token"),)
    ),
    "a start noted without the lease": Mutant(
        LOST + "test_it_marks_nothing_as_started",
        (
            Cut(CLAIM, '{"pk": c.id, "lease_token": c.token, "started_at"', '{"pk": c.id, "started_at"'),
            Cut(CLAIM, f"            {PAIR},\n", ""),
        ),
    ),
    "progress without the lease": Mutant(
        LOST + "test_its_progress_is_not_shown",
        (
            Cut(FINISH, '                    "lease_token": n.token,\n', ""),
            Cut(FINISH, f"            {PAIR},\n        )\n        _add_log", "        )\n        _add_log"),
        ),
    ),
    "an effect without the lease": Mutant(
        LOST + "test_its_effect_is_refused_before_anything_is_written",
        (Cut(CONTEXT, "pk=self.run_id, lease_token=self.claim.token, state", "pk=self.run_id, state"),),
    ),
    "an effect that does not lock its run": Mutant(
        ONCE + "test_a_run_whose_effect_is_open_is_not_rescued_until_it_is_through",
        (Cut(CONTEXT, "held = Run.objects.select_for_update().filter(", "held = Run.objects.filter("),),
        postgres=True,
    ),
    "a heartbeat of the lost": Mutant(
        LOST + "test_its_heartbeat_does_not_bring_it_back",
        (
            Cut(
                "queues.ledger.rescue",
                "Worker.objects.filter(pk=worker_id, lost_at__isnull=True, stopped_at__isnull=True).update(\n            renewals",
                "Worker.objects.filter(pk=worker_id).update(\n            renewals",
            ),
        ),
    ),
    "rescue without a charge": Mutant(
        LEDGER + "test_three_crashes_make_a_dead_letter",
        (Cut("queues.ledger.rescue", "charged=run.id in started", "charged=False"),),
    ),
    # --- what happens once ---
    "an effect of an ending under a key of its own": Mutant(
        ONCE + "test_the_same_effect_of_two_endings_is_recorded_once",
        (Cut(FINISH, '"key": effect.key,', '"key": f"{effect.key} {e.claim.token}",'),),
    ),
    "an effect of a handler under a key of its own": Mutant(
        ONCE + "test_two_runs_with_the_same_effect_charge_once_and_tell_the_same",
        (Cut(CONTEXT, "        with self.effects([key]", '        key = f"{key} {self.claim.token}"\n        with self.effects([key]'),),
    ),
    "every effect is fresh": Mutant(
        ONCE + "test_an_attempt_after_a_failed_one_does_not_charge_again",
        (Cut("queues.ledger.effects", "fresh=record.run_id == run_id and record.result is None", "fresh=True"),),
    ),
    "a dedupe key without its constraint": Mutant(
        LEDGER + "test_a_dedupe_key_has_one_live_run_at_a_time",
        (Cut("queues.models.run", 'fields=["dedupe_key"]', 'fields=["dedupe_key", "id"]'),),
    ),
    "a fire without its constraint": Mutant(
        FIRES + "test_a_fire_has_one_row_by_the_database_s_own_word", (FIRE_UNIQUE,)
    ),
    "fires with neither lock nor constraint": Mutant(
        CHANGES + "test_berlins_days_alone_have_no_fire_missed_or_doubled", (FIRE_LOCK, FIRE_UNIQUE), postgres=True
    ),
    # --- limits ---
    "a queue's slots counted without a lock": Mutant(
        LIMITS + "test_a_queues_limit_is_exact_when_all_claim_at_once",
        (Cut("queues.ledger.lease", 'lock=" FOR UPDATE" if connection.vendor == "postgresql" else ""', 'lock=""'),),
        postgres=True,
    ),
    "a batch behind another counted while that runs on": Mutant(
        BEHIND + "test_it_does_not_count_while_the_batch_before_it_is_there",
        (Cut("queues.ledger.lease", "AND (s.behind IS NULL OR NOT EXISTS", "AND (true OR NOT EXISTS"),),
    ),
    "a batch behind another not counted when that is over": Mutant(
        BEHIND + "test_it_counts_once_the_batch_before_it_is_over",
        (Cut("queues.ledger.lease", "AND (s.behind IS NULL OR NOT EXISTS", "AND (s.behind IS NULL OR false AND NOT EXISTS"),),
    ),
    "a batch behind one that is over": Mutant(
        BEHIND + "test_behind_a_batch_that_is_over_nothing_is_claimed",
        (Cut("queues.ledger.lease", "[token for token in behind if token in found]", "list(behind)"),),
    ),
    "a batch that waited charged for a crash": Mutant(
        BEHIND + "test_when_the_worker_is_lost_only_what_ran_is_charged",
        (Cut("queues.ledger.rescue", "for token, run_id in first.items() if token not in behind", "for run_id in first.values()"),),
    ),
    "a definition's slots counted without a lock": Mutant(
        LIMITS + "test_a_definitions_limit_is_exact_over_two_queues_at_once",
        (Cut(CLAIM, "limited.select_for_update(no_key=True).values_list", "limited.values_list"),),
        postgres=True,
    ),
    "a key's slots not counted": Mutant(
        LIMITS + "test_a_key_with_one_slot_left_gets_no_more_than_one",
        (Cut(CLAIM, '{("key", key): limit - held[key] for', '{("key", key): limit for'),),
    ),
    "a definition's slots not counted": Mutant(
        LIMITS + "test_a_definition_with_one_slot_left_gets_no_more_than_one",
        (Cut(CLAIM, '{("definition", pk): limit - held[pk] for', '{("definition", pk): limit for'),),
    ),
    "a rate not counted": Mutant(
        LIMITS + "test_a_rate_does_not_wait_for_a_time_that_the_clock_was_set_back_from",
        (Cut(CLAIM, "limit = min(limit, rates.room(rate, grants, now.timestamp()))", "limit = min(limit, rate.limit)"),),
    ),
}  # fmt: skip


class Damage(MetaPathFinder):
    """Finds the modules of a mutant, and loads them damaged."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        early = {cut.module for cut in mutant.cuts} & set(sys.modules)
        if early:
            raise RuntimeError(f"Imported before they could be damaged: {early}")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        cuts = [cut for cut in self.mutant.cuts if cut.module == fullname]
        spec = PathFinder.find_spec(fullname, path) if cuts else None
        if spec is not None and spec.origin is not None:
            spec.loader = DamagedLoader(fullname, spec.origin, cuts)
        return spec


class DamagedLoader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, cuts: Sequence[Cut]) -> None:
        super().__init__(fullname, path)
        self.cuts = cuts

    def get_code(self, fullname: str) -> CodeType:
        """From the source alone: nothing damaged is kept on disk."""
        return compile(damaged(self.get_data(self.path).decode(), self.cuts), self.path, "exec", dont_inherit=True)


def damaged(source: str, cuts: Sequence[Cut]) -> str:
    """The source with its cuts. Raises LookupError for a text that is not there exactly once."""
    for cut in cuts:
        if source.count(cut.text) != 1:
            raise LookupError(f"{cut.module} has {source.count(cut.text)} times {cut.text!r}: mend the mutant.")
        source = source.replace(cut.text, cut.put)
    return source


def damage(name: str) -> None:
    """From now on this process imports the mutant's modules damaged. Raises KeyError for a name that is none."""
    sys.meta_path.insert(0, Damage(MUTANTS[name]))


if os.environ.get("MUTANT"):
    damage(os.environ["MUTANT"])
