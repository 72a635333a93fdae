"""Who may decide: people, their roles and managers, who stands in for them, and when they work."""
