"""Which creatives to show in the shop's own advertising slots."""
