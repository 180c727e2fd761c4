"""The European code for transfers (EPC069-12), which banks' telephone programs read: payee, account, amount and purpose."""

from __future__ import annotations

from decimal import Decimal

from segno import helpers

from billing.paper.model import Paper

LEAST, MOST = Decimal("0.01"), Decimal("999999999.99")
PAYEE, PURPOSE = 70, 140  # characters at most


def girocode(paper: Paper) -> list[bytearray] | None:
    """Its squares, row by row; None where there is none (other currencies, drafts)."""
    if paper.currency != "EUR" or paper.account is None or paper.number is None or not LEAST <= paper.gross <= MOST:
        return None
    try:
        code = helpers.make_epc_qr(
            name=paper.seller.name[:PAYEE], iban=paper.account.iban, amount=paper.gross,
            text=paper.number[:PURPOSE], bic=paper.account.bic or None,
        )  # fmt: skip
    except ValueError:  # an account that is none: the document says where to pay all the same
        return None
    return list(code.matrix)
