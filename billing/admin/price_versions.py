"""The editor of a price list's version: rules as cards, what is wrong beside its field, and what a change would have cost.

Every button works without scripts, by a POST that stores nothing; billing/static/billing/price_editor.js only saves the round trip.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from unfold import widgets as unfold

from billing.admin import pieces, rule_cards, what_if_page
from billing.admin.base import BillingAdmin, actor_of, day_input
from billing.admin.price_lists import add_url, in_force, read, tone
from billing.admin.rule_cards import Card
from billing.errors import WrongFields
from billing.models import PriceList, PriceVersion
from billing.price_rules import proved
from billing.selectors.billed import billed_with
from billing.services import prices
from queues.contract import ports


class HeadForm(forms.Form):
    """From when to when, and why. The month is what the what-if asks of."""

    valid_from = forms.DateField(label="From", widget=day_input(), error_messages={"required": "From which day on?"})
    valid_until = forms.DateField(
        label="Until", required=False, widget=day_input(), help_text="The first day on which it is not valid any more. Empty: no end.",
    )  # fmt: skip
    note = forms.CharField(
        max_length=200,
        required=False,
        widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="For those who look at the list.",
    )
    why = forms.CharField(
        label="Why", max_length=300, required=False, widget=unfold.UnfoldAdminTextInputWidget(), help_text="Kept in the audit log.",
    )  # fmt: skip


@admin.register(PriceVersion)
class PriceVersionAdmin(BillingAdmin):
    list_display = ("which", "valid", "rule_count", "state", "note")
    list_display_links = ("which",)
    list_select_related = ("price_list",)
    list_filter = ("price_list",)
    search_fields = ("price_list__code", "price_list__title", "note")
    empty_hint = "Prices are written on their list's page."

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        if not self.has_change_permission(request):
            raise PermissionDenied("Prices are for those who bill.")
        row = self._row(request, object_id)
        if row is None:
            messages.info(request, "Prices are of a price list: choose it first.")
            return HttpResponseRedirect(pieces.url("pricelist_changelist"))
        locked = billed_with(row) if row.pk else None
        currency = row.price_list.currency
        do = request.POST.get("do", "")
        if request.method == "POST":
            head = HeadForm(request.POST)
            cards = (
                rule_cards.stored(read(row) or [], currency) if locked else rule_cards.posted(request.POST, currency)
            )
            cards = _rearranged(cards, do, request.POST.get("kind", ""), currency)
        else:
            head = HeadForm(initial={name: getattr(row, name) for name in ("valid_from", "valid_until", "note")})
            cards = rule_cards.stored(read(row) or [], currency)
        if row.pk is None:
            del head.fields["valid_until"]
        if locked:
            head.fields["valid_from"].disabled = True
            head.initial["valid_from"] = row.valid_from
        above: list[str] = []
        result = None
        month = what_if_page.month_of(request.POST.get("month", ""), row.price_list)
        if do in ("", "save") and request.method == "POST" and head.is_valid():
            answer = self._saved(request, row, head, cards, above)
            if answer is not None:
                return answer
        elif do == "ask":
            try:
                rules = proved([card.given() for card in cards])
            except WrongFields as wrong:
                above += rule_cards.tell(cards, wrong)
            else:
                result = what_if_page.result(row.price_list, rules, month)
        rule_cards.offer(cards)
        return self.page(
            request, "billing/price_editor.html", _title(row), form=head, cards=cards, above=above, locked=locked, version=row,
            price_list=row.price_list, original=row if row.pk else None, kinds=_kinds(), blanks=_blanks(currency), result=result,
            months=what_if_page.months(month), back_url=pieces.page_of(row.price_list), wrong=bool(above or head.errors or _any_wrong(cards)),
            new_url=add_url(row.price_list, row if row.pk else None), stored_nothing=request.method == "POST" and do not in ("", "save", "ask"),
            delete_url=pieces.url("priceversion_delete", row.pk) if row.pk and not locked else "",
        )  # fmt: skip

    def delete_with_reason(self, request: HttpRequest, obj: Any, why: str) -> None:
        prices.delete_version(obj, actor=actor_of(request), why=why)

    def after_delete(self, obj: Any) -> str:
        return pieces.page_of(obj.price_list)

    def _row(self, request: HttpRequest, object_id: str | None) -> PriceVersion | None:
        """The version, or a new one that begins with the rules of the one in force; None: of no list. Raises Http404."""
        if object_id is not None:
            found = self.get_object(request, object_id)
            if found is None:
                raise Http404("There is no such version.")
            return found  # type: ignore[no-any-return]
        key = request.GET.get("price_list", "")
        price_list = PriceList.objects.filter(pk=key).first() if key.isdecimal() else None
        if price_list is None:
            return None
        copy = request.GET.get("copy", "")
        today = ports.now().date()
        model = price_list.versions.filter(pk=copy).first() if copy.isdecimal() else in_force(price_list, today)
        begins = date(today.year + today.month // 12, today.month % 12 + 1, 1)
        return PriceVersion(price_list=price_list, valid_from=begins, rules=model.rules if model else [])

    def _saved(
        self, request: HttpRequest, row: PriceVersion, head: HeadForm, cards: list[Card], above: list[str]
    ) -> HttpResponse | None:
        """Where to go on; None where something is wrong, which is told on the cards, in the form, or above."""
        asked = head.cleaned_data
        given = [card.given() for card in cards]
        why: dict[str, Any] = {"actor": actor_of(request), "why": asked["why"]}
        try:
            if row.pk is None:
                row = prices.add_version(row.price_list, asked["valid_from"], given, note=asked["note"], **why)
            else:
                row.valid_from, row.valid_until, row.note = asked["valid_from"], asked["valid_until"], asked["note"]
                if not billed_with(row):
                    row.rules = given
                row = prices.save_version(row, **why)
        except WrongFields as wrong:
            for error in wrong.errors:
                if error.field in head.fields:
                    head.add_error(error.field, error.message)
            left = [each for each in wrong.errors if each.field not in head.fields]
            above += rule_cards.tell(cards, WrongFields(left)) if left else []
            return None
        messages.success(request, f"The prices from {pieces.day(row.valid_from)} are stored.")
        return HttpResponseRedirect(pieces.page_of(row.price_list))

    @display(description="Price list", ordering="price_list__code")
    def which(self, obj: PriceVersion) -> str:
        return str(obj.price_list)

    @display(description="Valid", ordering="valid_from")
    def valid(self, obj: PriceVersion) -> str:
        return f"{pieces.day(obj.valid_from)} – {pieces.last_day(obj.valid_until) or '…'}"

    @display(description="Rules")
    def rule_count(self, obj: PriceVersion) -> str:
        return f"{len(obj.rules)}"

    @display(description="State")
    def state(self, obj: PriceVersion) -> Any:
        return pieces.badge(*tone(obj, ports.now().date()))


def _rearranged(cards: list[Card], do: str, kind: str, currency: str) -> list[Card]:
    """After a button on the page: one more card, one less, one moved."""
    verb, _, card_id = do.partition(":")
    if verb == "add" and kind in rule_cards.TITLES:
        return [*cards, rule_cards.blank(kind, rule_cards.free_id(cards), currency, rule_cards.free_code(kind, cards))]
    place = next((n for n, card in enumerate(cards) if card.id == card_id), None)
    if place is None or verb not in ("gone", "up", "down"):
        return cards
    card = cards.pop(place)
    if verb != "gone":
        cards.insert(max(0, place - 1) if verb == "up" else place + 1, card)
    return cards


def _kinds() -> list[tuple[str, str]]:
    return [(kind, rule_cards.TITLES[kind]) for kind in rule_cards.PLACED]


def _blanks(currency: str) -> list[Card]:
    """What the page's script copies for a new rule."""
    return [rule_cards.blank(kind, "NEW", currency) for kind in rule_cards.PLACED]


def _any_wrong(cards: list[Card]) -> bool:
    return any(card.error or card.of_error or (card.form.is_bound and card.form.errors) for card in cards)


def _title(row: PriceVersion) -> str:
    return (
        f"{row.price_list.title}: prices from {pieces.day(row.valid_from)}"
        if row.pk
        else f"{row.price_list.title}: new prices"
    )
