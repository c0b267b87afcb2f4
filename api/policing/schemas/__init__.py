"""JSON of policing; coordinates are turned round in `geojson` and nowhere else."""
