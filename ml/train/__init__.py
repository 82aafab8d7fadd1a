"""What makes weights: the recipe, the network, its training and its release."""
