"""What reads a photo: find the face, judge it, run the network. Loads nothing of training or measuring."""
