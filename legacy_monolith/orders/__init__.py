"""The app orders of the shop."""
