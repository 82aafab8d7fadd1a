"""The texts of the pages and their translations. Needs no gettext on the computer.

`texts()` finds every text in code and templates, `read`/`write` keep `locale/de/LC_MESSAGES/django.po`, and `compiled` turns it
into the file that Django reads. `make messages` does all three.
"""
