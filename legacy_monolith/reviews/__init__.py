"""The app reviews of the shop."""
