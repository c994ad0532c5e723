"""What can serve: trained model versions, where they come from, and which of them holds which alias."""
