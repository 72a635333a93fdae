"""Questions in English about a database: what of its schema they need, and the SQL for those that are simple."""
