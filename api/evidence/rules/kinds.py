"""Words that stand in the files of a pack for what a line tells."""

POSITION_OR_ALARM = "judged"
KEPT_ASIDE = "kept_aside"

ENTRY, MESSAGE, COMMAND, ATTEMPT, LOOK = "log", "message", "command", "attempt", "act"
STEP, CALL = "step", "call"
"""What a line of the timeline is: of the alert's log, a message to people, one to a device, a try to deliver
either (or its receipt), somebody's act in the audit trail,
a step with a deadline, a call that an operator was asked to make."""
