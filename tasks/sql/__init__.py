"""What may be said of SQL, with a schema or without, and how it is run with its parameters bound."""
