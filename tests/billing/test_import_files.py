"""What is read from a file, what is written into one, and what is said of one that is wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.interchange import described, folder
from billing.interchange.books import DunningStepRow, SeriesRow
from billing.interchange.calendars import HolidayCalendarRow, HolidayRow
from billing.interchange.contracts import ContractRow, CouponRow, ServiceRow, StayRow
from billing.interchange.events import VisitRow, WeighTicketRow
from billing.interchange.parties import CustomerRow, SellerRow, SiteRow
from billing.interchange.prices import RULES, FuelIndexRow, PriceListRow, PriceVersionRow
from billing.interchange.reading import read
from billing.interchange.row import Row
from billing.interchange.tables import TABLES
from billing.interchange.taxes import ExchangeRateRow, JurisdictionRow, TaxRateRow
from billing.interchange.writing import FORMULA, written

CODES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,12}", fullmatch=True)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
NASTY = st.sampled_from(
    ["=1+1", "'=1", "''@x", "+43 1 2", "-", "@SUM(A1)", "'", "a'b", 'say "x"', "a,b;c", "a\nb", "＝1"]
)
WORDS = st.one_of(NASTY, TEXTS).map(str.strip).filter(bool)
MONEY = st.decimals(0, 10**8, places=2, allow_nan=False)
LATER = st.one_of(st.none(), st.dates(date(2100, 1, 1), date(2110, 1, 1)))
PLACE = {
    "street": WORDS,
    "postcode": WORDS,
    "city": WORDS,
    "country": st.sampled_from(["AT", "JP"]),
    "time_zone": st.just("Asia/Tokyo"),
}
RULE_SETS = st.lists(
    st.builds(
        lambda amount, title: {"rule": "base_fee", "code": "base", "title": title, "amount": amount}, MONEY, WORDS
    ),
    max_size=1,
).map(RULES.validate_python)
PATTERNS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda days: {"pattern": "weekly", "weekdays": "".join(map(str, sorted(days)))}, st.frozensets(st.integers(0, 6), min_size=1)),
    st.builds(lambda nth, day: {"pattern": "monthly", "nth": nth, "weekday": day}, st.sampled_from([-1, 1, 4]), st.integers(0, 6)),
    st.builds(lambda day: {"pattern": "monthly", "month_day": day}, st.integers(1, 31)),
    st.just({"pattern": "on_call"}),
)  # fmt: skip
SERVICES = st.builds(
    lambda common, pattern: ServiceRow(**common, **pattern),
    st.fixed_dictionaries({
        "code": CODES, "contract": CODES, "site": CODES, "price_list": CODES, "title": WORDS, "container_type": WORDS, "size": WORDS,
        "containers": st.integers(1, 99), "starts_on": DAYS, "ends_on": LATER,
    }),
    PATTERNS,
)  # fmt: skip
WEIGHTS = st.decimals(0, 9999, places=3, allow_nan=False)
ROWS: dict[str, st.SearchStrategy[Row]] = {
    "sellers": st.builds(SellerRow, name=WORDS, currency=st.just("EUR"), **PLACE),
    "series": st.builds(SeriesRow, code=CODES, prefix=WORDS),
    "dunning_steps": st.builds(
        DunningStepRow, number=st.integers(1, 99), days_after_due=st.integers(0, 99), title=WORDS, text=WORDS, retry=st.booleans(), fee=MONEY
    ),
    "customers": st.builds(
        CustomerRow, code=CODES, name=WORDS, phone=WORDS, tax_id=st.just(""), exempt_until=LATER, payment_days=st.integers(0, 99), **PLACE
    ),
    "sites": st.builds(SiteRow, code=CODES, customer=CODES, name=WORDS, **PLACE),
    "holiday_calendars": st.builds(HolidayCalendarRow, code=CODES, title=WORDS),
    "holidays": st.builds(HolidayRow, calendar=CODES, day=DAYS, name=WORDS),
    "jurisdictions": st.builds(JurisdictionRow, code=CODES, title=WORDS, rounding=st.sampled_from(["document", "line"])),
    "tax_rates": st.builds(
        TaxRateRow, jurisdiction=CODES, rate=st.decimals(0, 99, places=6, allow_nan=False), valid_from=DAYS, valid_until=LATER
    ),
    "exchange_rates": st.builds(
        ExchangeRateRow, base=st.just("EUR"), quote=st.just("JPY"), on=DAYS, rate=st.decimals("0.00000001", 9999, places=8, allow_nan=False)
    ),
    "price_lists": st.builds(PriceListRow, code=CODES, title=WORDS, currency=st.just("BHD")),
    "price_versions": st.builds(PriceVersionRow, price_list=CODES, valid_from=DAYS, valid_until=LATER, rules=RULE_SETS, note=WORDS),
    "fuel_index": st.builds(
        FuelIndexRow, code=st.just("fuel"), published_on=DAYS, value=st.decimals(0, 99, places=6, allow_nan=False)
    ),
    "contracts": st.builds(
        ContractRow, code=CODES, customer=CODES, jurisdiction=CODES, currency=st.just("CHF"), starts_on=DAYS, ends_on=LATER, anchor=DAYS,
        on_hold=WORDS, auto_collect=st.booleans(),
    ),
    "services": SERVICES,
    "stays": st.builds(StayRow, service=CODES, delivered_on=DAYS, removed_on=LATER),
    "coupons": st.builds(CouponRow, code=CODES, contract=CODES, amount=MONEY.map(lambda each: each + 1), valid_from=DAYS, valid_until=LATER, title=WORDS),
    "visits": st.builds(VisitRow, code=CODES, service=CODES, day=DAYS, planned_on=LATER, extra=st.booleans(), contaminated=st.just(False), note=WORDS),
    "weigh_tickets": st.builds(
        WeighTicketRow, code=CODES, visit=CODES, gross=WEIGHTS.map(lambda each: each + 10_000), tare=WEIGHTS,
        unit=st.sampled_from(["kg", "t", "lb", "short_ton"]), weighed_at=st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
    ),
}  # fmt: skip


def problems(table: str, text: str | bytes) -> list[str]:
    content = text if isinstance(text, bytes) else text.encode()
    return [str(each) for each in read(TABLES[table], content).problems]


@pytest.mark.parametrize("table", TABLES)
@given(data=st.data())
def test_what_is_written_is_read_again_as_it_was(table: str, data: st.DataObject) -> None:
    row = data.draw(ROWS[table])
    again = read(TABLES[table], written(TABLES[table], [row]).encode())
    assert not again.problems
    assert [each.row.values() for each in again.rows] == [row.values()]


@given(WORDS)
def test_no_text_is_written_as_a_formula(text: str) -> None:
    row = HolidayCalendarRow(code="A", title=text)
    cell = written(HolidayCalendarRow, [row]).split("A,", 1)[1].lstrip('"')
    assert not cell.startswith(("=", "+", "-", "@", "\t", "＝"))
    assert not FORMULA.match(text) or cell.startswith("'")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(mark: bytes, delimiter: str, end: str) -> None:
    text = end.join(
        delimiter.join(cells) for cells in (("title", "code"), ('"Wien, Graz; Linz"', "AT"), ("", ""), (" Bern ", "CH"))
    )
    found = read(HolidayCalendarRow, mark + text.encode())
    assert not found.problems
    assert [(each.number, each.row.code, each.row.title) for each in found.rows] == [
        (2, "AT", "Wien, Graz; Linz"),
        (4, "CH", "Bern"),
    ]


@pytest.mark.parametrize(
    ("table", "text", "expected"),
    [
        ("weigh_tickets", "code,visit,gross,tare\nW,V,-3,1", "weigh_tickets.csv row 2, gross: -3 kg is below 0: a weight is not negative."),
        ("weigh_tickets", "code,visit,gross,tare\nW,V,3,-1", "weigh_tickets.csv row 2, tare: -1 kg is below 0: a weight is not negative."),
        ("weigh_tickets", "code,visit,gross,tare\nW,V,3,4", "weigh_tickets.csv row 2, gross: 3 is below the tare, 4."),
        ("weigh_tickets", "code,visit,gross,tare,unit\nW,V,3,1,stone", "weigh_tickets.csv row 2, unit: 'stone' is not known: write kg, t, lb or short_ton."),
        ("weigh_tickets", "code,visit,gross,tare\nW,V,1.2345,1", "weigh_tickets.csv row 2, gross: '1.2345' has more than 3 decimals."),
        ("weigh_tickets", 'code,visit,gross,tare\nW,V,"3,5",1', "weigh_tickets.csv row 2, gross: '3,5' is no number: write a point, and nothing between thousands."),
        ("weigh_tickets", "code,visit,gross,tare,weighed_at\nW,V,3,1,2026-10-05 08:00", "weigh_tickets.csv row 2, weighed_at: '2026-10-05 08:00' is no instant: write it with its offset, like 2026-10-31T08:15:00+01:00."),
        ("price_lists", "code,title,currency\nA,B,EUR\nC,D,EURO", "price_lists.csv row 3, currency: 'EURO' is no currency of ISO 4217: write three capital letters, like EUR."),
        ("price_lists", "code,title,currency\nA,B,XXQ", "price_lists.csv row 2, currency: 'XXQ' is no currency of ISO 4217: write three capital letters, like EUR."),
        ("price_lists", "code,title,currency\nA b,B,EUR", "price_lists.csv row 2, code: 'A b' is no code: 1 to 40 letters, digits, dots, dashes, underscores or strokes, a letter or digit first."),
        ("price_lists", "code,title,currency\nA,B,EUR\nA,C,EUR", "price_lists.csv row 3, code: A is in row 2 already."),
        ("price_lists", "code,title,currency\nA,B", "price_lists.csv row 2: has 2 cells, and the first row has 3."),
        ("price_lists", "code,titel,currency\nA,B,EUR", "price_lists.csv row 1, titel: There is no such column: 'title' is meant?"),
        ("price_lists", "code,title,code\nA,B,A", "price_lists.csv row 1, code: This column is there twice."),
        ("price_lists", "code,title,currency\n,B,EUR", "price_lists.csv row 2, code: is needed."),
        ("customers", "code,name,time_zone,street,postcode,city,country\nC,N,Europe/Wien,S,1,W,AT", "customers.csv row 2, time_zone: 'Europe/Wien' is no time zone: write one like Europe/Vienna."),
        ("customers", "code,name,time_zone,street,postcode,city,country\nC,N,UTC,S,1,W,UK", "customers.csv row 2, country: 'UK' is no country of ISO 3166: write GB."),
        ("customers", "code,name,time_zone,street,postcode,city,country,tax_id\nC,N,UTC,S,1,W,AT,U12345674", "customers.csv row 2, tax_id: 'U12345674' is no tax id of Austria: its check digit is wrong, so some digit is; one is ATU and 8 digits, like ATU12345675."),
        ("customers", "code,name,time_zone,street,postcode,city,country,tax_treatment\nC,N,UTC,S,1,W,AT,reverse_charge", "customers.csv row 2, tax_id: is needed for reverse charge."),
        ("customers", "code,name,time_zone,street,postcode,city,country,tax_treatment\nC,N,UTC,S,1,W,AT,exempt", "customers.csv row 2, exemption_reason: is needed for an exemption, as it is printed."),
        ("contracts", "code,customer,jurisdiction,currency,starts_on,ends_on,anchor\nK,C,AT,EUR,2026-05-01,2026-04-30,2026-05-01", "contracts.csv row 2, ends_on: the contract ends on 2026-04-30, before it starts, on 2026-05-01."),
        ("contracts", "code,customer,jurisdiction,currency,starts_on,anchor\nK,C,AT,EUR,1.5.2026,2026-02-30", "contracts.csv row 2, starts_on: '1.5.2026' is no date: write it like 2026-10-31."),
        ("services", "code,contract,site,price_list,title,container_type,size,pattern,starts_on\nA,K,S,P,T,bin,1,weekly,2026-01-01", "services.csv row 2, weekdays: Name one weekday at least, 0 (Monday) to 6."),
        ("services", "code,contract,site,price_list,title,container_type,size,pattern,weekdays,interval,starts_on\nA,K,S,P,T,bin,1,weekly,Mon,2,2026-01-01", "services.csv row 2, anchor: is needed for every 2 weeks: a day of a week in which it is served."),
        ("visits", "code,service,day,contaminated\nV,K,2026-10-01,yes", "visits.csv row 2, evidence: is needed for a contaminated load: a photo's name, a note."),
        ("visits", "code,service,day,containers\nV,K,2026-10-01,0", "visits.csv row 2, containers: '0' is below 1."),
        ("visits", "code,service,day,extra\nV,K,2026-10-01,maybe", "visits.csv row 2, extra: 'maybe': write yes or no."),
        ("tax_rates", "jurisdiction,category,rate,valid_from\nAT,E,20,2026-01-01", "tax_rates.csv row 2, rate: category E bears no tax: the rate is 0, or the category S."),
        ("exchange_rates", "base,quote,on,rate\nEUR,CHF,2026-01-01,0", "exchange_rates.csv row 2, rate: '0' is not above 0."),
        ("fuel_index", "code,published_on,value\nFuel,2026-01-01,1", "fuel_index.csv row 2, code: 'Fuel' is no code of a charge: small letters, digits and underscores, a letter first, 40 at most."),
        ("price_versions", 'price_list,valid_from,rules\nA,2026-01-01,"[{""rule"":""base_fee"",""code"":""b"",""title"":""B"",""amount"":-3}]"', "price_versions.csv row 2, rules: 0.base_fee.amount: '-3' is below 0."),
        ("price_versions", 'price_list,valid_from,rules\nA,2026-01-01,"[{""rule"":""discount"",""code"":""b"",""title"":""B"",""percent"":3,""of"":[""q""]}]"', "price_versions.csv row 2, rules: rules.0.of: There is no charge 'q' on this list."),
        ("price_versions", "price_list,valid_from,rules\nA,2026-01-01,{}", "price_versions.csv row 2, rules: is no list of rules: write one like [{\"rule\": \"base_fee\", \"code\": \"base\", …}]."),
        ("price_versions", "price_list,valid_from,valid_until,rules\nA,2026-01-01,2026-01-01,[]", "price_versions.csv row 2, valid_until: 2026-01-01 is not after valid_from, 2026-01-01."),
        ("holidays", "calendar,day,name\nA,2026-01-01,a\x00b", "holidays.csv row 2, name: a character that cannot be printed (U+0000) is in it: take it out."),
        ("holidays", "", "holidays.csv: is empty: its first row names the columns."),
        ("holidays", "calendar,day,name\nA,2026-01-01,Wei\xdf".encode("latin-1"), "holidays.csv row 2: the byte 0xDF is no UTF-8: save it as CSV UTF-8."),
        ("holidays", "calendar,day,name\n".encode("utf-16"), "holidays.csv: is UTF-16: save it as CSV UTF-8."),
        ("holidays", 'calendar,day,name\nA,2026-01-01,"open', "holidays.csv: is no CSV after line 2: unexpected end of data."),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_by_its_number_its_field_and_what_would_be_right(
    table: str, text: str | bytes, expected: str
) -> None:
    assert expected in problems(table, text)


def test_every_bad_row_of_a_file_is_told() -> None:
    text = "base,quote,on,rate\nEUR,CHF,2026-01-01,0\nEUR,CHF,2026-01-02,1\nEUR,XX,2026-01-0,1\n"
    assert [each.rsplit(":", 1)[0].split(":")[0] for each in problems("exchange_rates", text)] == [
        "exchange_rates.csv row 2, rate", "exchange_rates.csv row 4, quote", "exchange_rates.csv row 4, on",
    ]  # fmt: skip


def test_amounts_in_rules_are_read_as_they_are_written() -> None:
    rules = '"[{""rule"":""base_fee"",""code"":""b"",""title"":""B"",""amount"":0.1000000001}]"'
    assert "more than 6 decimals" in problems("price_versions", f"price_list,valid_from,rules\nA,2026-01-01,{rules}")[0]
    found = read(PriceVersionRow, f"price_list,valid_from,rules\nA,2026-01-01,{rules.replace('0000001', '')}".encode())
    assert found.rows[0].row.rules[0].amount == Decimal("0.100")


def test_instants_are_kept_with_their_offset() -> None:
    found = read(WeighTicketRow, b"code,visit,gross,tare,weighed_at\nW,V,3,1,2026-10-05T08:00:00+02:00")
    assert found.rows[0].row.weighed_at == datetime(2026, 10, 5, 6, tzinfo=UTC)


def test_a_folder_holds_files_that_are_called_as_tables(tmp_path: Path) -> None:
    for name in ("sites.csv", "documents.csv", "custmers.csv", "notes.txt"):
        (tmp_path / name).write_text("")
    found, _, wrong = folder.tables([tmp_path, tmp_path / "sites.csv"])
    assert [table.file for table in found] == ["sites.csv"]
    assert [str(each) for each in wrong] == [
        "custmers.csv: No table is called custmers: customers.csv is meant?",
        "sites.csv: is given twice.",
    ]


def test_a_folder_without_tables_says_what_they_are_called(tmp_path: Path) -> None:
    assert "they are called sellers, series" in str(folder.tables([tmp_path])[2][0])


def test_the_reference_page_is_made_from_the_rows() -> None:
    page = Path(__file__).resolve().parents[2] / "docs/reference/billing-files.md"
    assert page.read_text() == described.page(), (
        "python -m billing.interchange.described > docs/reference/billing-files.md"
    )
