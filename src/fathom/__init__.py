"""From your own data to a deep-learning model that you can trust."""
