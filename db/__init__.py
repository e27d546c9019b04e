"""Everything at rest: tables, transactions, durable work."""
