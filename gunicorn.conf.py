"""What every gunicorn that starts in this folder does first; its other settings stand in its command (deploy/systemd/)."""

from clinic.behind_proxy import refuse_open_addresses


def on_starting(server):
    refuse_open_addresses(server.cfg.address)
