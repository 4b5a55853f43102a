"""A dashboard: what an operations team looks at all day."""
