"""What is unreadable on disk: encrypted fields and files, their keys and the rotation of keys. Knows no other room."""
