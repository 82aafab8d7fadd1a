"""The texts of the pages and their translations, without GNU gettext.

`texts()` finds every text in code and templates. `po.read` and `po.catalogue` read and build `locale/*/LC_MESSAGES/django.po` and
the compiled file beside each, which Django reads. `make messages` runs all of it.
"""
