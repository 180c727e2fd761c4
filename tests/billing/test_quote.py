"""`manage.py quote`: published cases to the cent; what cannot be priced is told by its field."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing import quote_command
from billing.quoting import quote

ROOT = Path(__file__).resolve().parents[2]
CASES = [json.loads(line) for line in Path(__file__).with_name("cases.jsonl").read_text().splitlines()]
S20 = {"category": "S", "rate": "20"}


def line(**changed: Any) -> dict[str, Any]:
    return {"id": "1", "quantity": "1", "unit_price": "10.00", "tax": S20, **changed}


def document(*lines: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"case": "c", "kind": "document", "currency": "EUR", "lines": list(lines) or [line()], **changed}


PRORATION = {
    "case": "p", "kind": "proration", "currency": "EUR", "price": "31.00", "period": {"start": "2026-03-01", "end": "2026-04-01"},
    "from": "2026-03-29", "until": None, "timezone": "Europe/Vienna",
}  # fmt: skip
CHANGE = {
    "case": "x", "kind": "change", "currency": "EUR", "old_price": "10", "new_price": "20",
    "period": {"start": "2026-03-01", "end": "2026-04-01"}, "change_on": "2026-03-02", "timezone": "UTC",
}  # fmt: skip
FUEL = {
    "case": "f", "kind": "fuel_surcharge", "currency": "USD", "index": "3.00", "base": "2.70", "step": "0.04",
    "percent_per_step": "0.5", "floor_percent": None, "cap_percent": None, "on": "250",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["input"]["case"])
def test_a_published_case_is_answered_to_the_cent(case: dict[str, Any]) -> None:
    answer = quote(case["input"])
    assert {name: Decimal(str(answer[name])) for name in case["expect"]} == {
        name: Decimal(str(value)) for name, value in case["expect"].items()
    }


def test_a_document_with_everything_adds_up() -> None:
    answer = quote(
        document(
            line(
                quantity="3", unit_price="100.00", base_quantity="7", adjustments=[{"kind": "charge", "amount": "1.10"}]
            ),
            line(id="2", quantity="-1", unit_price="4.00"),
            line(id="3", unit_price="20", tax={"category": "Z", "rate": "0"}),
            adjustments=[{"kind": "allowance", "amount": "5", "tax": S20}],
            prepaid="10.00",
        )
    )
    assert [each["net"] for each in answer["lines"]] == ["43.96", "-4.00", "20.00"]  # 300 / 7 = 42.857…
    assert answer["tax_groups"] == [
        {"category": "S", "rate": "20", "base": "34.96", "tax": "6.99"},
        {"category": "Z", "rate": "0", "base": "20.00", "tax": "0.00"},
    ]
    assert [answer[name] for name in ("net", "tax", "gross", "due")] == ["54.96", "6.99", "61.95", "51.95"]


def test_inclusive_prices_give_the_gross_that_was_asked_for() -> None:
    lines = [line(id=str(n), unit_price="0.99") for n in range(3)]
    answer = quote(document(*lines, tax_mode="inclusive"))
    assert (answer["net"], answer["tax"], answer["gross"]) == ("2.47", "0.50", "2.97")
    assert sum(Decimal(each["net"]) for each in answer["lines"]) == Decimal("2.47")


def test_a_coupon_takes_off_no_more_than_there_is() -> None:
    told = quote(document(coupon={"amount": "10.01"}))
    assert [each["amount"] for each in told["adjustments"]] == ["10.00"]
    assert (told["net"], told["tax"], told["gross"], told["due"]) == ("0.00", "0.00", "0.00", "0.00")


def test_a_coupons_part_is_taxed_with_its_line_where_tax_is_rounded_by_line() -> None:
    """Three lines of 0.33 less 0.07, 0.06 and 0.06: 20 % of 0.26 is 0.05, of 0.27 too; the parts by themselves would have taken 0.01 each off 0.07."""
    lines = [line(id=str(n), unit_price="0.33") for n in range(3)]
    answer = quote(document(*lines, rounding="line", coupon={"amount": "0.19"}))
    assert [each["amount"] for each in answer["adjustments"]] == ["0.07", "0.06", "0.06"]
    assert (answer["net"], answer["tax"]) == ("0.80", "0.15")


def test_a_line_is_rounded_once_with_what_is_taken_off_it() -> None:
    taken_off = [{"kind": "allowance", "amount": "2.00"}]
    answer = quote(document(line(unit_price="1.005", adjustments=taken_off), line(id="2", unit_price="1.005")))
    assert [each["net"] for each in answer["lines"]] == ["-1.00", "1.01"]


def test_no_rate_is_needed_where_there_is_no_tax() -> None:
    for tax in ({"category": "O"}, {"category": "O", "rate": None}, {"category": "O", "rate": "0"}):
        assert quote(document(line(tax=tax)))["tax_groups"] == [
            {"category": "O", "rate": "0", "base": "10.00", "tax": "0.00"}
        ]


def test_an_instant_is_read_to_the_nanosecond_and_by_its_own_offset() -> None:
    for moment, days in [
        ("2026-03-31T23:59:59.999999999+02:00", 1), ("2026-03-31T22:00:00.000000001Z", 0), ("2026-03-28T18:30:00-05", 3),
    ]:  # fmt: skip
        assert quote({**PRORATION, "from": moment})["days"] == days


@pytest.mark.parametrize(("since", "until"), [("2026-04-20", None), (None, "2026-02-20"), ("2026-02-01", "2026-02-20")])
def test_service_outside_of_the_period_costs_nothing(since: str | None, until: str | None) -> None:
    answer = quote({**PRORATION, "from": since, "until": until})
    assert (answer["days"], answer["fraction"], answer["net"]) == (0, "0.000000000", "0.00")


def test_a_coupon_is_spread_by_largest_remainder_and_lowers_the_tax() -> None:
    answer = quote(
        document(
            *[line(id=str(n), unit_price="10") for n in range(3)], coupon={"amount": "10.00", "spread": "pro_rata"}
        )
    )
    assert [each["amount"] for each in answer["adjustments"]] == ["3.34", "3.33", "3.33"]
    assert (answer["net"], answer["tax"], answer["due"]) == ("20.00", "4.00", "24.00")


@pytest.mark.parametrize(("currency", "net"), [("JPY", "333"), ("EUR", "333.33"), ("BHD", "333.333")])
def test_amounts_have_the_digits_of_their_currency(currency: str, net: str) -> None:
    answer = quote(
        document(line(quantity="1000", unit_price="1", base_quantity="3", tax={"category": "E"}), currency=currency)
    )
    assert answer["net"] == net


def test_a_day_counts_where_service_starts_on_it_by_the_clocks_there() -> None:
    """22:30 UTC on the 28th is past midnight in Vienna; and the 29th, of 23 hours, is a day."""
    assert quote({**PRORATION, "from": "2026-03-28T23:30:00Z"})["days"] == 3
    assert quote({**PRORATION, "from": "2026-03-28T22:30:00Z"})["days"] == 4
    assert quote({**PRORATION, "from": "2026-03-29", "until": "2026-03-30T00:30:00+02:00"})["days"] == 1


def test_fuel_counts_whole_steps_up_to_its_cap() -> None:
    assert (quote(FUEL)["percent"], quote(FUEL)["amount"]) == ("3.50", "8.75")
    assert quote({**FUEL, "cap_percent": "2.125"})["percent"] == "2.125"
    assert quote({**FUEL, "index": "2.69"})["percent"] == "0.00"
    many = {
        **FUEL,
        "index": "900000000000000.001",
        "base": "0",
        "step": "0.000000000001",
        "percent_per_step": "0.123456789013",
    }
    assert quote(many)["percent"] == "111111110111700000123456789.013"


@pytest.mark.parametrize(
    ("case", "field", "word"),
    [
        ({"kind": "invoice"}, "kind", "document, proration"),
        ("text", "case", "JSON object"),
        (document(line(quantity="1" + "0" * 14, unit_price="1000")), "lines.0", "1E+15"),
        (document(currency="EURO"), "currency", "3 characters"),
        (document(currency="XQX"), "currency", "ISO 4217"),
        (document(currency="XAU"), "currency", "ISO 4217"),
        (document(line(quantity=1.5)), "lines.0.quantity", "quotation marks"),
        (document(line(quantity="1,5")), "lines.0.quantity", "12.50"),
        (document(line(unit_price="NaN")), "lines.0.unit_price", "12.50"),
        (document(line(base_quantity="0")), "lines.0.base_quantity", "greater than 0"),
        (document(line(tax={"category": "X", "rate": "1"})), "lines.0.tax.category", "'S'"),
        (document(line(tax={"category": "AE", "rate": "20"})), "lines.0.tax.rate", "bears no tax"),
        (document(line(), line(id="2", adjustments=[{"kind": "allowance", "amount": "x"}])), "lines.1.adjustments.0.amount", "12.50"),
        (document(lines=[]), "lines", "at least 1"),
        (document(taxmode="inclusive"), "taxmode", "misspelt"),
        (document(prepaid="1.005"), "prepaid", "more decimals"),
        (document(line(quantity="-1"), coupon={"amount": "1"}), "coupon", "a credit"),
        ({**PRORATION, "timezone": "Vienna"}, "timezone", "Europe/Vienna"),
        ({**PRORATION, "period": {"start": "2026-04-01", "end": "2026-03-01"}}, "period.end", "not after its start"),
        ({**PRORATION, "from": "2026-03-29T10:00:00"}, "from", "instant with its offset"),
        ({**PRORATION, "from": "2026-03-32"}, "from", "range for month"),
        ({**PRORATION, "until": "2026-03-01"}, "until", "before it starts"),
        ({**CHANGE, "change_on": "2026-05-01"}, "change_on", "not in the period"),
        ({**FUEL, "step": "0"}, "step", "greater than 0"),
        ({**FUEL, "floor_percent": "5", "cap_percent": "4"}, "cap_percent", "below the floor"),
        ({name: value for name, value in FUEL.items() if name != "on"}, "on", "missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_priced_is_told_by_its_field(case: Any, field: str, word: str) -> None:
    answer = quote(case)
    assert set(answer) == {"case", "error"} and answer["error"]["field"] == field
    assert word in answer["error"]["message"]


def run(text: str, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    out = io.StringIO()
    code = quote_command.main(["-", *arguments], out=out, source=io.StringIO(text))
    return code, [json.loads(each) for each in out.getvalue().splitlines()]


def test_many_cases_are_answered_one_a_line_and_a_bad_one_stops_none() -> None:
    texts = [json.dumps(FUEL), "{not json", '{"case": "a", "case": "b"}', "[" * 100_000, json.dumps(CHANGE)]
    code, answers = run("\n".join(texts) + "\n\n", "--lines")
    assert code == 2
    assert [answer["case"] for answer in answers] == ["f", None, None, None, "x"]
    assert "not JSON" in answers[1]["error"]["message"] and "comes twice" in answers[2]["error"]["message"]


def test_a_binary_fraction_in_the_file_is_refused_by_its_field() -> None:
    code, (answer,) = run(json.dumps({**FUEL, "on": 10.1}))
    assert (code, answer["error"]["field"]) == (2, "on")


def test_the_command_needs_no_settings(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps(FUEL))
    command = [sys.executable, "manage.py", "quote", str(path)]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["amount"] == "8.75"


@pytest.mark.parametrize("arguments", [["no-such-file"], []])
def test_a_file_that_is_not_there_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code: Any = quote_command.main(arguments)
    except SystemExit as left:
        code = left.code
    told = capsys.readouterr().err
    assert code == 2 and ("cannot be read" in told or "usage" in told)
