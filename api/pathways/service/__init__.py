"""Use cases of the pathway; every change and every reading is a row of the audit trail."""
