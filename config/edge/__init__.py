"""The edge process: assigns, decides and collects. A raw WSGI callable without Django, started by

    granian --interface wsgi config.edge:application

Assignments and decisions go on from the bundle in the process whatever happens to Postgres and Redis, and say so;
events are answered 202 once they are committed, and 503 with Retry-After while they cannot be. Each desk answers the
routes of one concern; `process` routes requests to them.
"""

from config.edge.process import Edge, application

__all__ = ["Edge", "application"]
