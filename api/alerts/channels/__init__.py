"""The ways out, one file each: no database, no retries here."""
