"""What is printed, in English, German and French, side by side. Another language is another column, here and in speech.LOCALES."""

from __future__ import annotations

LANGUAGES = ("en", "de", "fr")

TEXTS: dict[str, tuple[str, str, str]] = {
    # --- head -------------------------------------------------------------------------------------------------------
    "invoice": ("Invoice", "Rechnung", "Facture"),
    "credit_note": ("Credit note", "Gutschrift", "Avoir"),
    "titled": ("{kind} {number}", "{kind} {number}", "{kind} {number}"),
    "draft": ("DRAFT", "ENTWURF", "BROUILLON"),
    "draft_of": ("Draft of an invoice", "Entwurf einer Rechnung", "Projet de facture"),
    "draft_of_credit_note": ("Draft of a credit note", "Entwurf einer Gutschrift", "Projet d’avoir"),
    "number": ("Number", "Nummer", "Numéro"),
    "issued": ("Date", "Datum", "Date"),
    "due": ("Due", "Fällig", "Échéance"),
    "tax_point": ("Tax point", "Leistungsdatum", "Fait générateur"),
    "period": ("Period", "Leistungszeitraum", "Période"),
    "from_to": ("{start} – {end}", "{start} – {end}", "{start} – {end}"),
    "customer": ("Customer no.", "Kundennummer", "N° client"),
    "contract": ("Contract", "Vertrag", "Contrat"),
    "order_reference": ("Your order", "Ihre Bestellung", "Votre commande"),
    "buyer_reference": ("Your reference", "Ihr Zeichen", "Votre référence"),
    "buyer_tax_id": ("Your tax ID", "Ihre UID/USt-IdNr.", "Votre n° TVA"),
    "credits": (
        "Credits invoice {number} of {issued}.",
        "Gutschrift zur Rechnung {number} vom {issued}.",
        "Avoir sur la facture {number} du {issued}.",
    ),
    "credits_undated": (
        "Credits invoice {number}.",
        "Gutschrift zur Rechnung {number}.",
        "Avoir sur la facture {number}.",
    ),
    "reason": ("Reason: {reason}", "Grund: {reason}", "Motif : {reason}"),
    # --- lines ------------------------------------------------------------------------------------------------------
    "description": ("Description", "Bezeichnung", "Désignation"),
    "quantity": ("Quantity", "Menge", "Quantité"),
    "unit_price": ("Unit price", "Einzelpreis", "Prix unitaire"),
    "tax_rate": ("Tax", "USt.", "TVA"),
    "amount_in": ("Amount {currency}", "Betrag {currency}", "Montant {currency}"),
    "continued": ("{title}, continued", "{title}, Fortsetzung", "{title}, suite"),
    "late": ("From earlier periods", "Aus früheren Zeiträumen", "Périodes antérieures"),
    "since": ("Period from {day}", "Zeitraum ab {day}", "Période à partir du {day}"),
    "general": ("General", "Allgemein", "Général"),
    "unit.C62": ("", "", ""),
    "unit.TNE": ("t", "t", "t"),
    "unit.DAY": ("days", "Tage", "jours"),
    "unit.KGM": ("kg", "kg", "kg"),
    "unit.MON": ("months", "Monate", "mois"),
    "missed": (
        ", credit for missed visits",
        ", Gutschrift für versäumte Abholungen",
        ", avoir pour passages manqués",
    ),
    # --- totals -----------------------------------------------------------------------------------------------------
    "lines_sum": ("Sum of lines", "Summe der Positionen", "Somme des lignes"),
    "net": ("Net total", "Summe netto", "Total HT"),
    "tax_on": ("Tax {rate} % on {base}", "USt. {rate} % auf {base}", "TVA {rate} % sur {base}"),
    "tax_in": ("of which tax {rate} % on {base}", "darin USt. {rate} % auf {base}", "dont TVA {rate} % sur {base}"),
    "no_tax_on": ("No tax ({category}) on {base}", "Ohne USt. ({category}) auf {base}", "Sans TVA ({category}) sur {base}"),
    "tax": ("Tax", "Umsatzsteuer", "TVA"),
    "gross": ("Total", "Gesamtbetrag", "Total TTC"),
    "to_pay": ("Total to pay", "Zu zahlen", "Total à payer"),
    "to_credit": ("Total credited", "Gutgeschriebener Betrag", "Total crédité"),
    "tax_abroad": (
        "Tax in {currency}: {amount} (1 {own} = {rate} {currency}, {day})",
        "Umsatzsteuer in {currency}: {amount} (1 {own} = {rate} {currency}, {day})",
        "TVA en {currency} : {amount} (1 {own} = {rate} {currency}, {day})",
    ),
    "exchange": (
        "Rate of exchange: 1 {own} = {rate} {currency}, published for {day}.",
        "Wechselkurs: 1 {own} = {rate} {currency}, veröffentlicht für den {day}.",
        "Taux de change : 1 {own} = {rate} {currency}, publié pour le {day}.",
    ),
    "inclusive": ("Prices include tax.", "Preise inklusive Umsatzsteuer.", "Prix TTC."),
    # --- terms ------------------------------------------------------------------------------------------------------
    "pay_by": (
        "Please pay {amount} by {day}.",
        "Bitte zahlen Sie {amount} bis zum {day}.",
        "Merci de régler {amount} au plus tard le {day}.",
    ),
    "pay_within": (
        "Payable within {days} days of the date of the invoice.",
        "Zahlbar innerhalb von {days} Tagen ab Rechnungsdatum.",
        "Payable dans les {days} jours suivant la date de facture.",
    ),
    "nothing_to_pay": ("There is nothing to pay.", "Es ist nichts zu zahlen.", "Aucun montant à régler."),
    "credited": (
        "This amount is set against open invoices, or refunded.",
        "Dieser Betrag wird mit offenen Rechnungen verrechnet oder erstattet.",
        "Ce montant est imputé sur les factures ouvertes ou remboursé.",
    ),
    "payee": ("Payee", "Empfänger", "Bénéficiaire"),
    "purpose": ("Purpose", "Verwendungszweck", "Référence"),
    # --- foot -------------------------------------------------------------------------------------------------------
    "page": ("Page {page} of {pages}", "Seite {page} von {pages}", "Page {page} sur {pages}"),
    "seller_tax_id": ("Tax ID {value}", "UID/USt-IdNr. {value}", "N° TVA {value}"),
    # --- why no tax is due (BT-120) -----------------------------------------------------------------------------------
    "why.AE": (
        "Reverse charge: the recipient owes the tax.",
        "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge).",
        "Autoliquidation : la TVA est due par le preneur.",
    ),
    "why.K": (
        "Tax-free supply within the Union.",
        "Steuerfreie innergemeinschaftliche Lieferung.",
        "Livraison intracommunautaire exonérée.",
    ),
    "why.G": ("Tax-free export.", "Steuerfreie Ausfuhr.", "Exportation exonérée."),
    "why.O": ("Not subject to tax.", "Nicht steuerbar.", "Hors champ de la TVA."),
    "why.E": ("Exempt from tax.", "Von der Umsatzsteuer befreit.", "Exonéré de TVA."),
    "why.Z": ("Zero-rated.", "Nullsatz.", "Taux zéro."),
}  # fmt: skip
