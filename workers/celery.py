"""The Celery application; `workers.configuration` says how it talks to the broker."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tiltyard")
app.config_from_object("workers.configuration")
