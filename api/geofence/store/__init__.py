"""Tables and queries of the geofence, one file per noun."""
