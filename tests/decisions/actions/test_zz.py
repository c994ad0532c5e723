import os
from django.conf import settings
def test_a(): assert settings.REDIS_URL == os.environ["REDIS_URL"], (settings.REDIS_URL[-3:], os.environ["REDIS_URL"][-3:], str(settings.BASE_DIR if hasattr(settings,"BASE_DIR") else ""))
