"""The data package of a study: tables of numbers in open formats, with everything that is needed to read them."""
