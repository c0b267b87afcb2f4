"""The bytes that leave alerting and come back to it; pure."""
