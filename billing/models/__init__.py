"""The tables of billing, one noun a file."""

from billing.models.contract import Contract, Coupon, Service, Stay
from billing.models.customer import Customer, Site
from billing.models.document import Adjustment, Document, DocumentFile, Line, Series, TaxGroup
from billing.models.dunning import Dunning, DunningStep, Reminder
from billing.models.holiday import Holiday, HolidayCalendar
from billing.models.journal import Entry
from billing.models.payment import Allocation, Dispute, Payment, PaymentAccount, PaymentMethod, Refund
from billing.models.price_list import FuelIndex, PriceList, PriceVersion
from billing.models.provider_event import BankLine, BankStatement, ProviderEvent
from billing.models.run import BillingRun, RunItem
from billing.models.seller import Seller
from billing.models.standing import Standing
from billing.models.tax import ExchangeRate, Jurisdiction, TaxRate
from billing.models.visit import Visit, WeighTicket

__all__ = [
    "Adjustment", "Allocation", "BankLine", "BankStatement", "BillingRun", "Contract", "Coupon", "Customer", "Dispute", "Document",
    "DocumentFile", "Dunning", "DunningStep", "Entry", "ExchangeRate", "FuelIndex", "Holiday", "HolidayCalendar", "Jurisdiction", "Line",
    "Payment", "PaymentAccount", "PaymentMethod", "PriceList", "PriceVersion", "ProviderEvent", "Refund", "Reminder", "RunItem", "Seller",
    "Series", "Service", "Site", "Standing", "Stay", "TaxGroup", "TaxRate", "Visit", "WeighTicket",
]  # fmt: skip
