"""`verify_audit` and `export_audit` as they are called, and accounts made from the command line."""

from __future__ import annotations

import csv
import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from queues.contract import Actor
from queues.ledger import audit
from queues.models import AuditEntry, AuditSeal

from ..tampering import as_owner, run, seal_all, written

pytestmark = pytest.mark.django_db(transaction=True)


def verified(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


class TestVerify:
    def test_a_whole_chain_tells_its_head_which_is_the_next_anchor(self) -> None:
        written(3)
        seal_all()
        head = str(AuditSeal.objects.get(seq=3))
        code, said = verified()
        assert code == 0 and "3 entries are as sealed" in said and f"Head: {head}" in said and "entries/s" in said
        written(2)
        seal_all()
        assert verified("--head", head, "--quiet") == (0, "")

    def test_what_is_wrong_is_named_and_the_exit_code_is_1(self) -> None:
        ids = written(5)
        seal_all()
        with as_owner():
            run(f"UPDATE queues_auditentry SET why = 'mine' WHERE id = {ids[2]}")
        code, said = verified("--quiet")
        assert (code, said) == (1, f"WRONG  Entry {ids[2]}, sealed as 3, was edited after it was sealed.\n")

    def test_json_for_machines(self) -> None:
        assert json.loads(verified("--json")[1])["head"] is None
        written(2)
        seal_all()
        told = json.loads(verified("--json")[1])
        assert (told["ok"], told["entries"], told["unsealed"], told["faults"]) == (True, 2, 0, [])
        code, said = verified("--json", "--head", f"2:{'0' * 64}")
        (fault,) = json.loads(said)["faults"]
        assert (code, fault["kind"], fault["seq"]) == (1, "not as anchored", 2)

    @pytest.mark.parametrize("heads", [["5"], ["5:xyz"], [f"5:{'a' * 64}", f"5:{'b' * 64}"]])
    def test_a_head_that_is_none_is_told_with_2(self, heads: list[str]) -> None:
        with pytest.raises(CommandError, match="--head") as told:
            verified(*(word for head in heads for word in ("--head", head)))
        assert told.value.returncode == 2


def exported(*arguments: str) -> str:
    out = StringIO()
    call_command("export_audit", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def personal() -> None:
    audit.write(
        Actor(label="ada", source="api", address="10.0.0.7"), "user.change", object_type="user", object_id="7",
        object_label="maria@example.com", before={"email": "maria@example.com"}, after={"phone": "+436601234567"},
        why="=HYPERLINK(1)",
    )  # fmt: skip


class TestExport:
    def test_csv_is_masked_has_no_formula_and_names_the_seal(self, personal: None) -> None:
        seal_all()
        (first,) = csv.DictReader(StringIO(exported()))
        assert (first["object_label"], first["why"], first["seal"]) == ("m…@example.com", "'=HYPERLINK(1)", "1")
        assert json.loads(first["before"]) == {"email": "m…@example.com"} and json.loads(first["after"]) == {
            "phone": "…67"
        }
        assert first["digest"] == AuditSeal.objects.get().digest and first["at"].endswith("Z")
        told = AuditEntry.objects.latest("id")
        assert (told.action, told.source, told.after) == ("audit.export", "command", {"format": "csv", "masked": True})

    def test_json_lines_unmasked_where_asked_for(self, personal: None) -> None:
        (first,) = map(json.loads, exported("--format", "jsonl", "--unmasked").splitlines())
        assert first["object_label"] == "maria@example.com" and first["after"] == {"phone": "+436601234567"}
        assert first["seal"] is None and AuditEntry.objects.latest("id").after["masked"] is False

    def test_many_entries_come_in_pieces_the_oldest_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("queues.ledger.audit_export.CHUNK", 3)
        ids = written(8)
        assert [json.loads(line)["id"] for line in exported("--format", "jsonl").splitlines()] == ids

    def test_from_is_included_and_to_is_not(self, personal: None) -> None:
        day = AuditEntry.objects.get().at.date().isoformat()
        assert "maria" not in exported("--to", day) and exported("--from", day).count("user.change") == 1
        assert exported("--from", "2099-01-01T10:00:00+02:00").count("\n") == 1
        with pytest.raises(CommandError, match="neither a day nor a moment"):
            exported("--from", "soon")

    def test_into_a_new_file_for_oneself_alone(self, personal: None, tmp_path: Path) -> None:
        file = tmp_path / "audit.csv"
        assert exported("--output", str(file)) == ""
        assert stat.S_IMODE(file.stat().st_mode) == 0o600 and file.read_text().count("\n") == 2
        with pytest.raises(CommandError, match="File exists"):
            exported("--output", str(file))


class TestAccountsFromTheCommandLine:
    def test_a_superuser_made_there_is_entered(self) -> None:
        call_command("createsuperuser", "--noinput", username="root", email="root@example.com", stdout=StringIO())
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.source, entry.object_label) == ("user.create", "command", "root")
        assert entry.after["is_superuser"] is True and "password" not in entry.after

    def test_a_password_changed_there_is_entered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        User.objects.create_user("zoe")
        monkeypatch.setattr(
            "django.contrib.auth.management.commands.changepassword.getpass.getpass", lambda **told: "a-long-Enough-7"
        )
        call_command("changepassword", "zoe", stdout=StringIO())
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.object_label, entry.after) == ("user.password", "zoe", None)
        assert User.objects.get().check_password("a-long-Enough-7")

    def test_an_account_whose_entry_cannot_be_written_is_not_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*args: Any, **told: Any) -> None:
            raise RuntimeError("no room")

        monkeypatch.setattr("project.audited_users.audit.write", away)
        with pytest.raises(RuntimeError):
            call_command("createsuperuser", "--noinput", username="root", email="", stdout=StringIO())
        assert not User.objects.exists()
