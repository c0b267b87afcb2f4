"""The report that a judge reads, drawn as PDF: nothing is fetched, nothing is decided here."""
