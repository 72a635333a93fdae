"""Questions: what somebody asks of a database in English, as SQL on its schema as it is now."""
