"""Papers of every kind that the house can bill, priced as the house prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from billing import document
from billing.money import minor_digits
from billing.paper.model import Account, Adjustment, Exchange, Line, Paper, Party, Preceding, TaxGroup
from billing.tax import Tax

SELLER = Party(
    "Roundsman Sample Haulage", "Kai 1", "1010", "Wien", "AT", tax_id="ATU12345675", registration="FN 123456a",
    email="office@example.org", phone="+43 1 234567",
)  # fmt: skip
BUYER = Party("Gasthaus Ente & Söhne", "Gasse 2", "1020", "Wien", "AT", email="ente@example.org", code="C-1")
GERMAN = replace(BUYER, name="Entenwirt GmbH", city="Passau", postcode="94032", country="DE", tax_id="DE123456788")
STANDARD, REDUCED = Tax("S", Decimal(20)), Tax("S", Decimal(10))
NO_RATE = {name: Tax(name, Decimal(0)) for name in ("Z", "E", "AE", "K", "G", "O")}  # type: ignore[arg-type]
Given = tuple[str, str, str, Tax]  # title, quantity, unit price, tax
USUAL: list[Given] = [
    ("Base fee", "1", "100.00", STANDARD),
    ("Pick-up", "9", "25.00", STANDARD),
    ("Tonnage", "1.250000", "87.40", STANDARD),
    ("Base fee, credit for missed visits", "-1", "11.11", STANDARD),
]
RULES = {"Base fee": "base_fee", "Pick-up": "pick_up", "Tonnage": "tonnage"}


def a_paper(
    lines: Sequence[Given] = USUAL,
    *,
    currency: str = "EUR",
    mode: Any = "exclusive",
    rounding: Any = "document",
    coupon: str = "0",
    adjustments: Sequence[document.Adjustment] = (),
    **over: Any,
) -> Paper:
    """Priced by `billing.document`, as drafts are."""
    draft = document.Draft(
        currency,
        [document.Line(str(n), Decimal(each[1]), Decimal(each[2]), each[3]) for n, each in enumerate(lines)],
        mode, rounding, adjustments, Decimal(coupon),
    )  # fmt: skip
    priced, digits = document.price(draft), minor_digits(currency)
    made = [
        Line(
            n, title.lower().replace(" ", "_"), title, Decimal(quantity), "TNE" if title == "Tonnage" else "C62", Decimal(price),
            document.line_amount(draft.lines[n - 1], digits), net, tax.category, tax.rate, service="K-1/1", site="S-1",
            rule=RULES.get(title, ""), words=f"{quantity} × {price}", inputs={"quantity": quantity, "unit_price": price},
        )
        for n, ((title, quantity, price, tax), (_, net)) in enumerate(zip(lines, priced.lines, strict=True), 1)
    ]  # fmt: skip
    taken = [
        Adjustment(each.kind, "Coupon WELCOME", each.amount, net * (1 if each.kind == "charge" else -1), each.tax.category, each.tax.rate)
        for each, net in priced.adjustments
        if each.tax
    ]  # fmt: skip
    given: dict[str, Any] = {
        "kind": "invoice", "number": "INV-000017", "language": "en", "currency": currency, "mode": mode,
        "tax_point": date(2026, 10, 31), "seller": SELLER, "buyer": BUYER, "lines": made,
        "tax_groups": [TaxGroup(each.rate.category, each.rate.rate, each.base, each.tax) for each in priced.tax_groups],
        "net": priced.net, "tax": priced.tax, "gross": priced.gross, "issued": date(2026, 11, 1), "due": date(2026, 11, 15),
        "period": (date(2026, 10, 1), date(2026, 11, 1)), "account": Account("AT611904300234573201", "BKAUATWW"), "adjustments": taken,
        "contract": "K-1", "payment_days": 14, "places": {"S-1": "Hof, Gasse 2, 1020 Wien"},
        "services": {"K-1/1": "Residual waste, 2 × bin 1100 l"},
    }  # fmt: skip
    return Paper(**given | over)


def long_paper(lines: int = 60, **over: Any) -> Paper:
    """So many lines, at a new site every twenty."""
    paper = a_paper([(f"Pick-up {n}", "1", "10.00", USUAL[0][3]) for n in range(lines)], **over)
    return replace(paper, lines=[replace(line, site=f"S-{line.position // 20}") for line in paper.lines])


def of_category(name: str, **over: Any) -> Paper:
    """All lines without tax, for one reason."""
    lines = [(title, quantity, price, NO_RATE[name]) for title, quantity, price, _ in USUAL]
    made = a_paper(lines, buyer=GERMAN, **over)
    reason = {"E": "Charity, section 6 (1) 18"}.get(name, "")
    return replace(made, tax_groups=[replace(group, reason=reason) for group in made.tax_groups])


def a_credit_note(**over: Any) -> Paper:
    given: dict[str, Any] = {
        "kind": "credit_note",
        "number": "CN-000003",
        "preceding": Preceding("INV-000017", date(2026, 11, 1)),
    }
    return a_paper(**given | {"reason": "Two visits were billed twice."} | over)


def all_kinds() -> dict[str, Paper]:
    """By name: what the rules are run over."""
    two_rates = [*USUAL, ("Compost", "3", "12.35", REDUCED), ("Paper", "2", "1.05", NO_RATE["E"])]
    odd = [
        ("Pick-up", "3", "0.35", STANDARD),
        ("Extra", "7", "1.07", STANDARD),
        ("Credit", "-1", "0.01", REDUCED),
        ("Rent", "31", "1.13", REDUCED),
    ]
    yen = [("Base fee", "1", "12000", REDUCED), ("Pick-up", "9", "331", REDUCED), ("Tonnage", "1.25", "4711", REDUCED)]
    return {
        "standard": a_paper(),
        "german": a_paper(language="de"),
        "two rates and exempt": a_paper(two_rates),
        "by line": a_paper(two_rates, rounding="line"),
        "coupon": a_paper([line for line in two_rates if not line[1].startswith("-")], coupon="33.33"),
        "charge": a_paper(adjustments=[document.Adjustment("charge", Decimal("4.99"), STANDARD)]),
        "inclusive": a_paper(odd, mode="inclusive"),
        "inclusive by line": a_paper(odd, mode="inclusive", rounding="line"),
        "inclusive coupon": a_paper(odd[:2], mode="inclusive", coupon="1.99"),
        **{f"category {name}": of_category(name) for name in NO_RATE},
        "yen": a_paper(yen, currency="JPY", account=None),
        "dollars abroad": a_paper(currency="USD", exchange=Exchange(Decimal("0.91250000"), "EUR", date(2026, 10, 30))),
        "credit note": a_credit_note(),
        "credit note of its own": a_credit_note(preceding=None),
        "credit note inclusive": a_credit_note(lines=odd, mode="inclusive"),
        "not a VAT number": a_paper(seller=replace(SELLER, tax_id="12-3456789", registration="")),
        "no account": a_paper(account=None, seller=replace(SELLER, phone="", email="")),
        "credit outweighs": a_paper([("Base fee", "1", "100", STANDARD), ("Discount", "-1", "100.00", STANDARD)]),
        "late": a_paper(lines=USUAL, period=None),
    }  # fmt: skip
