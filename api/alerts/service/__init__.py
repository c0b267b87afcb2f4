"""Use cases of alerting.

`opening` events in · `escalating` what waits for an answer · `handling` people's acts · `sending` messages
out · `playbooks` who is told of what · `drilling` test runs of a whole chain · `policies` what reaches her ·
`afterwards` she is told the end · `her_view` what she reads.
"""

from api.alerts.service.drilling import HeardOf, get_drill, list_drills, start_drill
from api.alerts.service.drilling import list_due as list_due_drills
from api.alerts.service.escalating import (
    escalate_due,
    give_up_step,
    list_due_steps,
    list_open_tasks,
    note_outcome,
)
from api.alerts.service.escalating import has_due as has_escalation_due
from api.alerts.service.handling import (
    AlertDetail,
    AlertView,
    acknowledge,
    entries_after,
    get_alert,
    last_entry_seq,
    list_alerts,
    list_commands,
    list_holding,
    list_unresolved,
    news_after,
    note_replayed,
    note_watching,
    read_evidence,
    resolve,
    show_alert,
    unresolved_order_ids,
)
from api.alerts.service.her_view import Details, read_details, read_words
from api.alerts.service.opening import open_alerts
from api.alerts.service.playbooks import current as current_playbook
from api.alerts.service.playbooks import list_uses as list_playbooks
from api.alerts.service.playbooks import read_playbook
from api.alerts.service.playbooks import take_over as take_over_playbook
from api.alerts.service.policies import (
    NOTHING_SET,
    Preferences,
    list_policies,
    preferences_of,
    read_preferences,
    set_preferences,
)
from api.alerts.service.sending import (
    ChannelNews,
    Outcome,
    Pending,
    born_after,
    claim_due,
    claim_fresh,
    count_pending,
    expire_pending,
    has_due,
    has_expired,
    is_ongoing,
    last_message_seq,
    mark_shown,
    messages_after,
    note_channel,
    receive_message_receipt,
    receive_receipt,
    record_attempt,
    record_attempts,
    tell_interval,
    unseen_messages,
)
from api.alerts.store.outbox import Wanted

__all__ = [
    "NOTHING_SET",
    "AlertDetail",
    "AlertView",
    "ChannelNews",
    "Details",
    "HeardOf",
    "Outcome",
    "Pending",
    "Preferences",
    "Wanted",
    "acknowledge",
    "born_after",
    "claim_due",
    "claim_fresh",
    "count_pending",
    "current_playbook",
    "entries_after",
    "escalate_due",
    "expire_pending",
    "get_alert",
    "get_drill",
    "give_up_step",
    "has_due",
    "has_escalation_due",
    "has_expired",
    "is_ongoing",
    "last_entry_seq",
    "last_message_seq",
    "list_alerts",
    "list_commands",
    "list_drills",
    "list_due_drills",
    "list_due_steps",
    "list_holding",
    "list_open_tasks",
    "list_playbooks",
    "list_policies",
    "list_unresolved",
    "mark_shown",
    "messages_after",
    "news_after",
    "note_channel",
    "note_outcome",
    "note_replayed",
    "note_watching",
    "open_alerts",
    "preferences_of",
    "read_details",
    "read_evidence",
    "read_playbook",
    "read_preferences",
    "read_words",
    "receive_message_receipt",
    "receive_receipt",
    "record_attempt",
    "record_attempts",
    "resolve",
    "set_preferences",
    "show_alert",
    "start_drill",
    "take_over_playbook",
    "tell_interval",
    "unresolved_order_ids",
    "unseen_messages",
]
