import urllib.parse

from pbtask import CONC, OPT, PG_DSN, RECOV, REDIS_PORT

u = urllib.parse.urlparse(PG_DSN)
SECRET_KEY = "bench"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_q", "django_celery_results"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": u.path[1:],
        "USER": u.username,
        "HOST": u.hostname,
        "PORT": u.port,
        "CONN_MAX_AGE": 600,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
Q_CLUSTER = {
    "name": "pb",
    "workers": CONC,
    "timeout": 20,
    "retry": 30,
    "queue_limit": max(50, CONC * 4),
    "log_level": "ERROR",
    "poll": 0.2,
    "catch_up": False,
}
if RECOV == "short":
    Q_CLUSTER.update(timeout=8, retry=10)
if "orm" in OPT:
    Q_CLUSTER.update(orm="default", bulk=50)
else:
    Q_CLUSTER["redis"] = {"host": "127.0.0.1", "port": REDIS_PORT, "db": 0}
Q_CLUSTER["save_limit"] = 100000 if "res" in OPT else -1
