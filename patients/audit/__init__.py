"""The access log: the rule of every address, an entry for every access and change, and the proof that none is missing."""
