"""Files become rows: all of them or none, and the same again changes nothing."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from billing.interchange.tables import TABLES
from billing.models import Contract, Customer, PriceVersion, Seller, Service, Visit, WeighTicket
from billing.selectors.trade import MODELS
from queues.models import AuditEntry
from tests.billing.tables import FILES, bring, instead, only, told, with_row

pytestmark = pytest.mark.django_db


def test_all_tables_are_written_with_what_refers_to_them() -> None:
    report = bring(FILES)
    assert report.written and not report.problems
    assert report.new["visits"] == 2 and report.changed["visits"] == report.unchanged["visits"] == 0
    service = Service.objects.get(code="K-1/1")
    assert (service.contract.code, service.site.code, service.price_list.code, service.weekdays) == (
        "K-1",
        "S-1",
        "PL",
        "03",
    )
    assert service.visits.get(code="V-2").outcome == "blocked"
    assert Seller.objects.get().approve_above_minor == 10_000_00


def test_weights_are_counted_in_kg_to_the_gram() -> None:
    bring(FILES)
    assert WeighTicket.objects.get().net_kg == Decimal("2948.350")  # 3.25 × 2000 × 0.45359237 = 2948.350405


def test_the_same_again_changes_nothing() -> None:
    bring(FILES)
    entries = AuditEntry.objects.count()
    report = bring(FILES)
    assert report.written and not any(report.new.values()) and not any(report.changed.values())
    assert sum(report.unchanged.values()) == sum(MODELS[name].objects.count() for name in FILES)
    assert AuditEntry.objects.count() == entries + 1


def test_a_changed_row_is_written_and_told_with_what_it_was() -> None:
    bring(FILES)
    report = bring(only(["customers"], instead("customers", "Gasse 2", "Gasse 3")))
    assert (report.changed["customers"], report.unchanged["customers"]) == (1, 0)
    assert Customer.objects.get().street == "Gasse 3"
    entry = AuditEntry.objects.get(action="billing.change")
    assert (entry.object_type, entry.object_id, entry.before, entry.after) == (
        "customers", "C-1", {"street": "Gasse 2"}, {"street": "Gasse 3"},
    )  # fmt: skip


def test_what_a_file_has_no_column_for_stays_as_it_is() -> None:
    bring(FILES)
    Customer.objects.update(payment_days=30)
    bring(only(["customers"], instead("customers", "Gasse 2", "Gasse 3")))
    assert Customer.objects.get().payment_days == 30


def test_a_dry_run_writes_nothing() -> None:
    report = bring(FILES, dry_run=True)
    assert not report.written and not report.problems and report.new["customers"] == 1
    assert not Customer.objects.exists() and not AuditEntry.objects.exists()


@pytest.mark.parametrize("dry_run", [True, False])
def test_one_bad_row_and_nothing_is_written(dry_run: bool) -> None:
    report = bring(with_row("weigh_tickets", "W-2,V-2,-1,0,kg", "W-3,V-9,1,0,kg"), dry_run=dry_run)
    assert told(report) == [
        "weigh_tickets.csv row 3, gross: -1 kg is below 0: a weight is not negative.",
        "weigh_tickets.csv row 4, visit: There is no 'V-9' in visits, neither in the files nor here.",
    ]
    assert not report.written and not Customer.objects.exists() and not AuditEntry.objects.exists()


def test_a_row_that_is_wrong_itself_is_not_missed_by_those_that_name_it() -> None:
    report = bring(instead("customers", "Europe/Vienna", "Europe/Wien"))
    assert len(report.problems) == 1 and report.problems[0].field == "time_zone"


@pytest.mark.parametrize(
    ("table", "lines", "expected"),
    [
        ("price_versions", ["PL,2026-06-01,[]"], "price_versions.csv row 3, valid_from: The one from 2026-01-01 without end overlaps the one from 2026-06-01: end the first with valid_until 2026-06-01."),
        ("tax_rates", ["AT,21,2026-06-01"], "tax_rates.csv row 3, valid_from: The one from 2020-01-01 without end overlaps the one from 2026-06-01: end the first with valid_until 2026-06-01."),
        ("services", ["K-1/2,K-1,S-1,PL,T,bin,1,on_call,,2025-12-31"], "services.csv row 3, starts_on: The service starts on 2025-12-31, before its contract K-1, on 2026-01-01."),
        ("services", ["K-1/2,K-9,S-1,PL,T,bin,1,on_call,,2026-12-31"], "services.csv row 3, contract: There is no 'K-9' in contracts, neither in the files nor here."),
        ("visits", ["V-3,K-1/1,,2025-12-31,done"], "visits.csv row 4, day: Service K-1/1 is not served on 2025-12-31: it is from 2026-01-01 on."),
        ("weigh_tickets", ["W-2,V-1,2,1,kg"], "weigh_tickets.csv row 3, visit: Visit V-1 has ticket W-1 already."),
        ("weigh_tickets", ["W-2,V-2,2,1,kg"], "weigh_tickets.csv row 3, visit: Visit V-2 is blocked: nothing can be weighed of it."),
        ("sellers", ["other,Haulage,Kai 1,1010,Wien,AT,EUR,1"], "sellers.csv row 3, code: There is one seller, and its code is main."),
        ("sellers", ["other,Haulage,Kai 1,1010,Wien,AT,JPY,1.5"], "sellers.csv row 3, approve_above: 1.5 has more decimals than JPY: 0 at most."),
    ],
)  # fmt: skip
def test_rows_that_do_not_go_together_are_told(table: str, lines: list[str], expected: str) -> None:
    assert expected in told(bring(with_row(table, *lines)))


def test_a_service_is_within_its_contract_and_its_visits_within_both() -> None:
    files = FILES | {
        "contracts": "code,customer,jurisdiction,currency,starts_on,ends_on,ends,anchor\nK-1,C-1,AT,EUR,2026-01-01,2026-10-08,{ends},2026-01-01\n"
    }
    exclusive, inclusive = (
        files | {"contracts": files["contracts"].format(ends=ends)} for ends in ("exclusive", "inclusive")
    )
    assert told(bring(exclusive)) == [
        "visits.csv row 3, day: Service K-1/1 is not served on 2026-10-08: it is from 2026-01-01 to 2026-10-07."
    ]
    assert bring(inclusive).written


def test_prices_are_in_the_contracts_currency_and_one_tax_mode() -> None:
    lists = "code,title,currency,tax_mode\nPL,Bins,EUR,exclusive\nUSD,Bins,USD,exclusive\nINC,Bins,EUR,inclusive\n"
    files = with_row(
        "services", "K-1/2,K-1,S-1,USD,T,bin,1,on_call,,2026-01-01", "K-1/3,K-1,S-1,INC,T,bin,1,on_call,,2026-01-01"
    )
    assert told(bring(files | {"price_lists": lists})) == [
        "services.csv row 3, price_list: Price list USD is in USD, and contract K-1 in EUR: they are to be the same.",
        "services.csv row 4, price_list: Price list INC has inclusive prices, and PL of service K-1/1 exclusive ones: a contract has one tax mode.",
    ]


def test_what_is_there_counts_as_well() -> None:
    bring(FILES)
    assert told(bring({"price_versions": "price_list,valid_from,rules\nPL,2026-06-01,[]\n"})) == [
        "price_versions.csv row 2, valid_from: The one from 2026-01-01 without end overlaps the one from 2026-06-01: end the first with valid_until 2026-06-01."
    ]
    assert told(bring({"contracts": "code,customer,jurisdiction,currency,starts_on,anchor\nK-1,C-1,AT,USD,2026-02-01,2026-01-01\n"})) == [
        "contracts.csv row 2, currency: K-1/1: Price list PL is in EUR, and contract K-1 in USD: they are to be the same.",
        "contracts.csv row 2, starts_on: K-1/1: The service starts on 2026-01-01, before its contract K-1, on 2026-02-01.",
    ]  # fmt: skip
    assert told(bring({"weigh_tickets": "code,visit,gross,tare\nW-2,V-1,2,1\n"})) == [
        "weigh_tickets.csv row 2, visit: Visit V-1 has ticket W-1 already."
    ]


def test_a_price_change_ends_the_version_before_it_in_the_same_file() -> None:
    bring(FILES)
    rules = FILES["price_versions"].split(",2026-01-01,", 1)[1]
    text = f"price_list,valid_from,valid_until,rules\nPL,2026-01-01,2026-11-01,{rules}PL,2026-11-01,,{rules}"
    assert bring({"price_versions": text}).written
    assert PriceVersion.objects.count() == 2


def test_reading_what_is_there_takes_as_many_queries_for_one_row_as_for_all(
    django_assert_max_num_queries: object,
) -> None:
    bring(FILES)
    rows = "".join(f"V-{number},K-1/1,,2026-10-20,done\n" for number in range(10, 400))
    with django_assert_max_num_queries(45):  # type: ignore[operator]
        assert bring({"visits": f"code,service,planned_on,day,outcome\n{rows}"}).new["visits"] == 390


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output, and what was said of it."""
    out = io.StringIO()
    try:
        call_command("import_billing", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def a_folder(path: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (path / f"{name}.csv").write_text(text)
    return str(path)


def test_the_command_imports_a_folder(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, FILES)
    code, out, _ = run(folder, "--dry-run")
    assert code == 0 and "customers.csv: 1 new, 0 changed, 0 unchanged" in out and "rows would be written." in out
    assert not Contract.objects.exists()
    code, out, _ = run(folder)
    assert code == 0 and out.endswith("12 rows written.\n") and Contract.objects.exists()
    entry = AuditEntry.objects.get(action="billing.import")
    assert entry.after is not None and set(entry.after["files"]) == {f"{name}.csv" for name in FILES}


def test_the_command_lists_every_bad_row_and_exits_with_2(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, instead("customers", ",AT", ",UK") | {"sites": "code\n"})
    code, out, said = run(folder, "--json")
    assert code == 2 and said.endswith("problems: nothing was written.")
    report = json.loads(out)
    assert not report["written"]
    assert {
        "file": "customers.csv",
        "row": 2,
        "field": "country",
        "message": "'UK' is no country of ISO 3166: write GB.",
    } in report["problems"]
    assert {"file": "sites.csv", "row": 1, "field": "customer", "message": "This column is missing."} in report[
        "problems"
    ]
    assert not Visit.objects.exists()


def test_the_command_says_what_it_cannot_read(tmp_path: Path) -> None:
    assert run(str(tmp_path / "customers.csv"))[::2] == (
        2,
        f"{tmp_path / 'customers.csv'} cannot be read: No such file or directory.",
    )
    (tmp_path / "kunden.csv").write_text("")
    code, out, said = run(str(tmp_path))
    assert code == 2 and "kunden.csv: No table is called kunden" in out and said == "1 problem: nothing was written."


def test_every_table_has_a_model() -> None:
    assert list(MODELS) == list(TABLES)
