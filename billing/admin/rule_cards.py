"""The rules of a price list as cards with fields: read from what is posted, or from what is stored; nothing is decided here.

A card's fields are made of the rule's own declaration (billing.rules), and what stands in them is proved by billing.price_rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from django import forms
from unfold import widgets as unfold

from billing import rules
from billing.charges import ORDER, STAGE
from billing.errors import WrongFields
from billing.money import told
from billing.price_rules import KINDS

TITLES = {
    "base_fee": "Base fee", "pick_up": "Pick-up", "extra": "Extra pick-up", "dry_run": "Visit in vain", "contamination": "Contamination",
    "tonnage": "Tonnage", "overweight": "Overweight", "rental": "Rental", "minimum": "Minimum", "discount": "Discount", "fuel": "Fuel surcharge",
    "environmental": "Environmental fee", "franchise": "Franchise fee",
}  # fmt: skip
SAYS = {
    "base_fee": "For the period, in proportion to its days in force.",
    "pick_up": "For each visit made by schedule, and each container of it.",
    "extra": "For each visit beyond the schedule, and each container of it.",
    "dry_run": "For each visit in vain: blocked, or missed by the customer.",
    "contamination": "For each visit whose load was contaminated.",
    "tonnage": "Per tonne over the included ones. Where the period's hauls count together, the included tonnes follow the days in force.",
    "overweight": "For each haul over its limit: a fee, and so much for each tonne over it.",
    "rental": "For each day that a container stands there.",
    "minimum": "What the charges ticked come to at least, in proportion to the days in force: the rest is charged.",
    "discount": "Off the charges ticked: a percentage, or an amount (no more than they come to).",
    "fuel": "On the charges ticked, by the index of this code that was published for the period.",
    "environmental": "A percentage of the charges ticked, and an amount for the period if there is one.",
    "franchise": "What the municipality takes of our receipts, passed on: of the charges ticked.",
}
LABELS = {
    "amount": "Amount, {currency}", "per_tonne": "Per tonne, {currency}", "per_day": "Per day, {currency}", "included_t": "Included, tonnes",
    "minimum_t": "At least, tonnes a haul", "limit_t": "Limit, tonnes", "percent": "Percent", "percent_per_step": "Percent per step",
    "base": "Index at which it begins", "step": "Step of the index", "floor_percent": "At least, percent", "cap_percent": "At most, percent",
    "credit_missed": "Credit visits that we missed", "first_day": "The day of delivery counts", "last_day": "The day of removal counts",
    "gross_up": "The fee is part of what it is taken of", "scope": "Included tonnes are of",
}  # fmt: skip
SCOPES = [("haul", "each haul by itself"), ("pooled", "the period's hauls together")]
PLACED = [kind.model_fields["rule"].default for kind in ORDER if issubclass(kind, rules.Rule)]


@dataclass
class Card:
    """One rule: `id` tells its fields apart in the form, `of` are the codes it counts."""

    id: str
    kind: str
    form: forms.Form
    of: list[str] = field(default_factory=list)
    of_error: str = ""
    error: str = ""
    eligible: list[tuple[str, str, bool]] = field(default_factory=list)  # code, title, chosen

    @property
    def title(self) -> str:
        return TITLES[self.kind]

    @property
    def says(self) -> str:
        return SAYS[self.kind]

    @property
    def counts(self) -> bool:
        return "of" in KINDS[self.kind].model_fields

    @property
    def stage(self) -> int:
        return STAGE[KINDS[self.kind]]

    def given(self) -> dict[str, Any]:
        """The rule as it was typed: what is empty is left out."""
        found: dict[str, Any] = {"rule": self.kind}
        for name, bound in self.form.fields.items():
            key = self.form.add_prefix(name)
            if isinstance(bound, forms.BooleanField):
                found[name] = bound.widget.value_from_datadict(self.form.data, {}, key)
            elif text := str(self.form.data.get(key, "")).strip():
                found[name] = text
        return found | ({"of": self.of} if self.counts else {})


def fields(kind: str, currency: str) -> dict[str, forms.Field]:
    """Title and code first; amounts are texts, for their rule proves them."""
    found: dict[str, forms.Field] = {
        "title": forms.CharField(label="On the document", required=False, widget=unfold.UnfoldAdminTextInputWidget()),
        "code": forms.CharField(
            label="Code", required=False, widget=unfold.UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
        ),
    }
    for name, info in KINDS[kind].model_fields.items():
        if name in ("title", "code", "rule", "of"):
            continue
        label = LABELS[name].format(currency=currency)
        if info.annotation is bool:
            found[name] = forms.BooleanField(label=label, required=False, widget=unfold.UnfoldBooleanSwitchWidget())
        elif get_origin(info.annotation) is Literal:
            chosen = [(value, dict(SCOPES).get(value, value)) for value in get_args(info.annotation)]
            found[name] = forms.ChoiceField(
                label=label, choices=chosen, required=False, widget=unfold.UnfoldAdminSelectWidget()
            )
        else:
            attrs = {"inputmode": "decimal", "autocomplete": "off"}
            found[name] = forms.CharField(
                label=label, required=False, widget=unfold.UnfoldAdminTextInputWidget(attrs=attrs)
            )
    return found


def form_of(kind: str, card_id: str, currency: str, data: Mapping[str, Any]) -> forms.Form:
    form = forms.Form(data, prefix=f"r{card_id}", auto_id="id_%s")
    form.fields.update(fields(kind, currency))
    return form


def blank(kind: str, card_id: str, currency: str, code: str = "") -> Card:
    """A new rule: its title and code suggested, its defaults in it."""
    values: dict[str, Any] = {"title": TITLES[kind], "code": code or kind}
    for name, info in KINDS[kind].model_fields.items():
        if name not in (*values, "rule", "of") and not info.is_required() and info.default is not None:
            values[name] = info.default
    return _card(kind, card_id, currency, values)


def stored(rules_: Sequence[Any], currency: str) -> list[Card]:
    return [_card(rule.rule, str(n), currency, rule.model_dump(exclude={"rule"})) for n, rule in enumerate(rules_)]


def posted(data: Any, currency: str) -> list[Card]:
    """In the order in which they stand on the page. What is no card is passed over."""
    cards = []
    for each in data.getlist("rule"):
        card_id, _, kind = each.partition(":")
        if kind in KINDS and card_id.isalnum():
            of = data.getlist(f"r{card_id}-of") if "of" in KINDS[kind].model_fields else []
            cards.append(Card(card_id, kind, form_of(kind, card_id, currency, data), of))
    return cards


def offer(cards: Sequence[Card]) -> None:
    """Which charges each card may count: those that are worked out before it."""
    named = [(str(card.given().get("code", "")), str(card.given().get("title", "")), card.stage) for card in cards]
    for card in cards:
        if card.counts:
            card.eligible = [
                (code, title or code, code in card.of) for code, title, stage in named if code and stage < card.stage
            ]
            known = {code for code, _, _ in card.eligible}
            card.eligible += [(code, f"{code} (not on this list)", True) for code in card.of if code not in known]


def tell(cards: Sequence[Card], wrong: WrongFields) -> list[str]:
    """Each error beside its field; what is left over is told above."""
    rest = []
    for error in wrong.errors:
        place, _, name = error.field.removeprefix("rules.").partition(".")
        if not (error.field.startswith("rules.") and place.isdecimal() and int(place) < len(cards)):
            rest.append(error.message)
            continue
        card = cards[int(place)]
        if name in card.form.fields:
            card.form.add_error(name, error.message)
        elif name == "of":
            card.of_error = error.message
        else:
            card.error = error.message
    return rest


def free_id(cards: Iterable[Card]) -> str:
    taken = {int(card.id) for card in cards if card.id.isdecimal()}
    return str(max(taken, default=-1) + 1)


def free_code(kind: str, cards: Iterable[Card]) -> str:
    taken = {str(card.given().get("code", "")) for card in cards}
    return next(code for n in range(1, len(taken) + 2) if (code := kind if n == 1 else f"{kind}_{n}") not in taken)


def _card(kind: str, card_id: str, currency: str, values: Mapping[str, Any]) -> Card:
    data = {
        f"r{card_id}-{name}": _text(value)
        for name, value in values.items()
        if name != "of" and value not in (None, False)
    }
    return Card(card_id, kind, form_of(kind, card_id, currency, data), list(values.get("of") or ()))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on"
    return told(value) if isinstance(value, Decimal) else str(value)
