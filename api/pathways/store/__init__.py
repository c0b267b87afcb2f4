"""Tables and queries of the pathway. No table here refers to a name of hers."""
