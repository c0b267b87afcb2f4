"""Which police station an alert goes to, and who is on duty there."""
