"""For messages of which it is known at once what becomes of them."""

from concurrent.futures import Future

from api.alerts.service import Outcome


def settled(outcome: Outcome) -> Future[Outcome]:
    """Return a future that has ended: nothing has to be sent."""
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future
