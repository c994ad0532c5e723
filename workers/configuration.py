"""Celery's settings: JSON only, nothing remembered, sockets that notice a dead broker."""

from django.conf import settings

from workers.queues import DEFAULT_QUEUE
from workers.schedule import BEAT_SCHEDULE

broker_url = settings.REDIS_URL
broker_connection_retry_on_startup = True
broker_transport_options = {
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 3600,
}
accept_content = ["json"]
task_serializer = "json"
task_ignore_result = True
task_default_queue = DEFAULT_QUEUE
worker_prefetch_multiplier = 1
worker_max_tasks_per_child = 1000
worker_soft_shutdown_timeout = 10
worker_hijack_root_logger = False
enable_utc = True
timezone = "UTC"
beat_schedule = BEAT_SCHEDULE
imports = ["workers.tasks", "workers.bell"]
