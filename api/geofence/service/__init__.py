"""Use cases of the geofence: who may draw zones, and what happens with each batch of messages."""
