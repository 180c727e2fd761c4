"""How a line came about, in the customer's language: out of its rule and inputs, or else as the ledger worded it (in English)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from billing.paper.model import Line
from billing.paper.speech import Speech
from billing.paper.texts import TEXTS

Days = tuple[date, date]

# By rule: what the inputs must be for each sentence, the fullest first; sentences in German and French (English is the ledger's own).
SENTENCES: dict[str, tuple[tuple[str, str], ...]] = {
    "base_fee": (
        ("{amount} für {days} von {of_days} Tagen", "{amount} pour {days} jours sur {of_days}"),
        ("{missed} von {scheduled} Abholungen versäumt: {amount} × {missed} ÷ {scheduled}", "{missed} passages manqués sur {scheduled} : {amount} × {missed} ÷ {scheduled}"),
    ),
    "pick_up": (("{quantity} Abholungen × {unit_price}", "{quantity} enlèvements × {unit_price}"),),
    "extra": (("{quantity} Zusatzabholungen × {unit_price}", "{quantity} enlèvements supplémentaires × {unit_price}"),),
    "dry_run": (("{quantity} Leerfahrten × {unit_price}", "{quantity} déplacements à vide × {unit_price}"),),
    "contamination": (
        ("{quantity} verunreinigte Ladungen × {unit_price}", "{quantity} chargements contaminés × {unit_price}"),
    ),
    "tonnage": (
        ("{tonnes} t über der Freimenge × {per_tonne}", "{tonnes} t au-delà du forfait × {per_tonne}"),
    ),
    "overweight": (
        (
            "{hauls} Ladungen über {limit} t × {amount}, und {tonnes} t × {per_tonne}",
            "{hauls} chargements au-delà de {limit} t × {amount}, et {tonnes} t × {per_tonne}",
        ),
    ),
    "rental": (("{days} Tage × {per_day}", "{days} jours × {per_day}"),),
    "minimum": (
        ("mindestens {least}; bisher berechnet {have}", "au moins {least} ; déjà facturé {have}"),
    ),
    "discount": (
        ("{percent} % auf {on}", "{percent} % de remise sur {on}"),
        ("{off} Nachlass auf {on}", "{off} de remise sur {on}"),
    ),
    "fuel": (
        ("Index {index}: {percent} % auf {on}", "indice {index} : {percent} % sur {on}"),
    ),
    "environmental": (("{percent} % auf {on}, und {amount} anteilig", "{percent} % sur {on}, et {amount} au prorata"),),
    "franchise": (("{percent} % auf {on}", "{percent} % sur {on}"),),
    "franchise_on_gross": (("{on} × {percent} ÷ (100 − {percent})", "{on} × {percent} ÷ (100 − {percent})"),),
    "credit": (("Gutschrift zu Position {line} von {invoice}", "Avoir sur la ligne {line} de {invoice}"),),
}  # fmt: skip
AMOUNT = re.compile(r" = -?[0-9.]+ [A-Z]{3}$")
LATE = ("neu berechnet: {now}, bisher verrechnet: {billed}", "recalculé : {now}, déjà facturé : {billed}")


def derived(line: Line, speech: Speech, period: Days | None = None) -> str:
    """One sentence, or nothing. Days that are not the whole document's period (its end exclusive) are told."""
    days = _days(line)
    whole = days is None or (period is not None and days == (period[0], period[1] - timedelta(days=1)))
    told = _sentence(line, speech)
    if whole or days is None or not told:
        return told
    return f"{speech.short_day(days[0])} – {speech.short_day(days[1])}: {told}"


def _sentence(line: Line, speech: Speech) -> str:
    if speech.language == "en":  # without what it comes to, which stands beside it
        return AMOUNT.sub("", line.words)
    values = {name: _read(value, speech) for name, value in line.inputs.items()}
    late = (LATE,) if "now" in values and "billed" in values else ()
    for sentences in (*late, *SENTENCES.get(_kind(line), ())):
        try:
            return str(sentences[speech.place - 1].format_map(values))
        except KeyError:
            continue
    return line.words


def _kind(line: Line) -> str:
    """The rule, told apart where one rule has two sums for the same inputs."""
    return f"{line.rule}_on_gross" if line.rule == "franchise" and "÷" in line.words else line.rule


def _days(line: Line) -> Days | None:
    """First and last, where the rating says them and the words do not (a late line's words do)."""
    if line.since is not None or not {"from", "to"} <= line.inputs.keys():
        return None
    try:
        return date.fromisoformat(line.inputs["from"]), date.fromisoformat(line.inputs["to"])
    except ValueError:
        return None


def title(line: Line, speech: Speech) -> str:
    """As the price list has it; what the rating adds to it is translated."""
    added = TEXTS["missed"][0]
    if line.title.endswith(added):
        return line.title.removesuffix(added) + speech.text("missed")
    return line.title


def _read(value: str, speech: Speech) -> str:
    """Numbers as its readers write them; all else as it is."""
    try:
        return speech.number(Decimal(value), least=2 if "." in value else 0)
    except (InvalidOperation, ValueError):
        return value
