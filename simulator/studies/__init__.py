"""Questions over one or many runs."""
