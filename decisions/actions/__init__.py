"""Everything that changes the decisions app's tables, the event log apart, which the edge writes."""
