"""What happens to a photo: received, checked, decoded in a separate process, stored, moved, re-analysed."""
