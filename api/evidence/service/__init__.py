"""Use cases of evidence, one file per noun."""
