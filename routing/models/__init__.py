"""The nouns of route planning, one a file."""

from routing.models.area import Depot, DisposalSite, ServiceArea, ServiceStop, Vehicle
from routing.models.plan import Plan, Route, UnservedStop, Visit

__all__ = ["Depot", "DisposalSite", "Plan", "Route", "ServiceArea", "ServiceStop", "UnservedStop", "Vehicle", "Visit"]
