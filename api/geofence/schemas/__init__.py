"""JSON of the geofence, one file per subject."""
