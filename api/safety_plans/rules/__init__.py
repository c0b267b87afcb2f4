"""Decisions about a plan: what its content must be, what of it fits whom, what her document may hold."""
