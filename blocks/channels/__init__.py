"""How a person is told something: by email, in Slack, or by any Prefect notification block of their own."""
