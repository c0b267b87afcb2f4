"""The way out: agencies and their people, the escape pathway, consent, the directory of help."""
