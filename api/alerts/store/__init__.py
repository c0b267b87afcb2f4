"""Tables of alerting and their queries: `alerts` (alert and its log), `outbox` (notification, attempt)."""
