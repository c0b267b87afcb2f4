"""Tables of her plan: sealed documents, and nothing that says whose."""
