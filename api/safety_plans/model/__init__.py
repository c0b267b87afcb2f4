"""Nouns of the protected person's plan: the cover, the shipped texts, the document that she keeps."""

from api.safety_plans.model.cover import Cover, cover_named

__all__ = ["Cover", "cover_named"]
