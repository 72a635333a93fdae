"""Reading a database: saved SQL with bound parameters, read-only, cancelled in the database when time is up."""
