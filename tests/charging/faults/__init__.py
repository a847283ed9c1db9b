"""The fault test: grants are delivered while everything fails and dies, and each arrives exactly once."""
