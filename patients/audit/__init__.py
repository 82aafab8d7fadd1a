"""The access log: the rule of every address, the entry of every look and change, and the proof that none is missing."""
