"""What keeps patients' data with those who look after them."""
