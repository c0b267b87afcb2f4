"""Coming to an edge again and again without crossing it: the pattern that no single contact shows."""

from datetime import datetime, timedelta

import msgspec

from api.geofence.model import Limits, Presence, PresenceState


def after_contact(
    before: PresenceState, after: PresenceState, at: datetime, limits: Limits
) -> tuple[PresenceState, bool]:
    """Return the state with the edge contacts of the last `loiter_window_s`, and whether they are a pattern.

    A contact is coming near from outside; leaving takes distance and time (`rules.presence`), so the
    noise of one visit is one contact. A pattern is told once and the count begins anew.
    """
    begun = before.presence is Presence.OUTSIDE and after.presence is not Presence.OUTSIDE
    if not begun and not after.contacts:
        return after, False
    since = at - timedelta(seconds=limits.loiter_window_s)
    contacts = tuple(contact for contact in after.contacts if contact > since)
    if begun:
        contacts = (*contacts, at)
    is_pattern = begun and len(contacts) >= limits.loiter_count
    if is_pattern:
        contacts = ()
    if contacts == after.contacts:
        return after, is_pattern
    return msgspec.structs.replace(after, contacts=contacts), is_pattern
