"""How often what can be guessed or flooded may be tried, on top of django-allauth's own limits.

per is ip, user (signed in) or key (what the caller names). Everyone in a hospital may share one address.
"""

ACCOUNT_RATE_LIMITS = {
    "login": "120/m/ip",
    "login_failed": "5/5m/key",  # codes of one account, after its password
    "password_from_network": "5/5m/key,30/m/ip",  # nosec B105  # of one account, from one network (patients/accounts/guessing.py)
    "password_on_device": "5/5m/key",  # nosec B105  # of one account, in a browser where it has signed in
    "password_of_strangers": "100/h/key",  # nosec B105  # of one account, from everywhere else together
    "failures": "10/h/key",  # wrong passwords and codes of one account, until its owner and the administrators are told
    "failures_told": "1/d/key",  # of one account
    "failures_told_of_all": "20/d/key",  # to administrators
    "phone_pairing": "10/10m/user",
    "phone_code": "20/m/ip",
    "phone_photo": "60/m/key",
    "break_glass": "10/h/user",
    "record_number": "10/h/user",  # of patients whom the user may not see
    "api_key": "20/10m/key",  # wrong keys from one network
}
