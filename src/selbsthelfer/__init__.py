"""Self-service rewards for mobile operators."""
