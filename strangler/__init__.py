"""The gateway and toolkit with which a company leaves a Django monolith path by path."""
