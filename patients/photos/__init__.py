"""The way of a photo: received, decoded apart, stored, moved, analysed again."""
