"""What judges weights: accuracy, calibration, parity, robustness, fairness and cost, and the documents about them."""
