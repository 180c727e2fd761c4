"""What is due is sent, until nothing is or the time is over: taken under a token, posted, settled under it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from django.conf import settings

from queues.engine.webhook_courier import Courier
from queues.engine.webhook_post import Poster
from queues.ledger import clock
from queues.ledger import webhook_deliveries as deliveries
from queues.web_address import Allowed

TAKES_FOR_S = 20.0  # afterwards it takes no more, so that what waits behind it in the queue has its turn
LOOKS_EVERY_S = 0.5  # while something is under way


def poster() -> Poster:
    """As the settings say."""
    return Poster(Allowed.of(settings.WEBHOOK_ALLOWED_PRIVATE), settings.WEBHOOK_CA_FILE)


def deliver(go_on: Callable[[], bool] = lambda: True, make: Callable[[], Poster] = poster) -> Counter[str]:
    """How many messages were delivered, retried, dead. When not to `go_on`, nothing more is taken; what is under way is
    seen to its end. Should that not be (an interrupt, a database that is away), it is sent again. Raises DatabaseError.
    """
    outcomes: Counter[str] = Counter()
    until_s = clock.steady_s() + TAKES_FOR_S
    with Courier(make) as courier:
        while True:
            if clock.steady_s() < until_s and go_on():
                for taken in deliveries.take(courier.room, courier.free):
                    courier.send(taken)
            if not courier.under_way:
                return outcomes
            outcomes += deliveries.settle(courier.back(LOOKS_EVERY_S))
