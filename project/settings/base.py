"""Production's settings; `demo` and `test` are small overlays. Values come from the environment through project.env."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from project import env as environment
from project import redis_url
from project.logs.config import logging_of
from project.settings.csp import CONTENT_SECURITY_POLICY  # noqa: F401
from project.settings.unfold import UNFOLD  # noqa: F401
from queues import catalogue, redaction

BASE_DIR = Path(__file__).resolve().parents[2]
env = environment.Environment()
DATA_DIR = Path(env("DATA_DIR") or BASE_DIR / ".data")

SECRET_KEY: str = env("SECRET_KEY")
JWT_SIGNING_KEY: str = env("JWT_SIGNING_KEY")
if len(JWT_SIGNING_KEY.encode()) < 32 or JWT_SIGNING_KEY == SECRET_KEY:
    raise ImproperlyConfigured(
        "JWT_SIGNING_KEY must be 32 bytes or more, and not SECRET_KEY. Example: JWT_SIGNING_KEY=$(openssl rand -base64 48)"
    )
ENCRYPTION_KEYS: list[str] = env("ENCRYPTION_KEYS")  # see queues.encryption
DEBUG: bool = env("DEBUG")
if DEBUG and not env("INSECURE_HTTP"):
    raise ImproperlyConfigured(
        "DEBUG shows settings and code to whoever meets an error: it goes with INSECURE_HTTP=true alone. Example: DEBUG=false"
    )
ALLOWED_HOSTS: list[str] = env("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS: list[str] = env("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
WSGI_APPLICATION = "project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "project",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin.apps.SimpleAdminConfig",  # its pages are found by project.urls: a worker needs none of them
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "queues.apps.QueuesConfig",  # before django_rq: our rqworker is the command of that name
    "routing.apps.RoutingConfig",
    "billing.apps.BillingConfig",
    "integrations.apps.IntegrationsConfig",  # behind the domains whose ports it fills
    "django_rq",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "project.headers.HeadersMiddleware",
    "project.csp.PolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "queues.api.request_id.RequestIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # only what was closed to failed sign-ins
    "queues.admin.session_age.SessionAgeMiddleware",
    "queues.admin.second_factor.RequiredMiddleware",
    "queues.admin.viewer_zone.ViewerZoneMiddleware",
    "project.middleware.AwayMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader", "project.nonces.LibraryLoader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"queues_admin": "queues.admin.tags", "billing_admin": "billing.admin.tags"},
        },
    }
]

# --- the database and Redis ---
DATABASES = {"default": environment.database(env("DATABASE_URL"), env)}
REDIS_URL: str = env("REDIS_URL")
_least, _most = env.range("REDIS_POOL_MIN_CONNECTIONS", "REDIS_POOL_MAX_CONNECTIONS")
_tls = redis_url.Tls(*(env.file(f"REDIS_{name}_FILE") for name in ("CA", "CERT", "KEY")))
_numbers = {"queue": None, "session": 1, "cache": 2, "metrics": 3}
REDIS = {
    purpose: redis_url.options(
        redis_url.with_database(REDIS_URL, _numbers[purpose]),
        pool=redis_url.Pool(_least, _most), waits=waits, tls=_tls,
    )
    for purpose, waits in redis_url.PURPOSES.items()
}  # fmt: skip
REDIS_POOL_ENABLED: bool = env("REDIS_POOL_ENABLED")
CACHES = {
    "default": {"BACKEND": "project.cache.PurposeCache", "LOCATION": "cache", "KEY_PREFIX": "cache"},
    "sessions": {"BACKEND": "project.cache.PurposeCache", "LOCATION": "session", "KEY_PREFIX": "session"},
    "rq": {"BACKEND": "project.cache.PurposeCache", "LOCATION": "queue"},  # the connection alone: see RQ_QUEUES
}
SESSION_ENGINE = "project.sessions"  # cache and database: an absent Redis logs nobody out
SESSION_CACHE_ALIAS = "sessions"
# django-rq's own pages read these. They take the queues' pooled connection, whose TLS is verified and which follows the
# sentinels; they would else make one of their own for every question.
RQ_QUEUES = {
    name: {"USE_REDIS_CACHE": "rq", "SERIALIZER": "rq.serializers.JSONSerializer", "DEFAULT_TIMEOUT": 300}
    for name in catalogue.NAMES
}
RQ = {"WORKER_CLASS": "queues.engine.worker.LedgerWorker"}
RQ_SHOW_ADMIN_LINK = (
    False  # its pages under /admin/django_rq/ would be open to all staff; ours, /admin/rq/, are to admins
)

# --- the engine ---
WORKER_CONCURRENCY: int = env("WORKER_CONCURRENCY")
WORKER_POOL_SIZE: int = env("WORKER_POOL_SIZE")
WORKER_LEASE_S: float = env("WORKER_LEASE_S")
WORKER_GRACE_S: float = env("WORKER_GRACE_S")
WORKER_CHILD_MAX_JOBS: int = env("WORKER_CHILD_MAX_JOBS")
QUEUE_OVERRIDES = env.queue_overrides(catalogue.NAMES)
QUEUES_ENABLED: bool = env("QUEUES_ENABLED")
QUEUE_OPTIMIZATION_ENABLED: bool = env("QUEUE_OPTIMIZATION_ENABLED")
QUEUE_RATE_LIMIT: str = env("QUEUE_RATE_LIMIT")
QUEUE_BATCH_SIZE: int = env("QUEUE_BATCH_SIZE")
QUEUE_BATCH_TIMEOUT: int = env("QUEUE_BATCH_TIMEOUT")
SLA_WARNING_THRESHOLD: int = env("SLA_WARNING_THRESHOLD")
SLA_CRITICAL_THRESHOLD: int = env("SLA_CRITICAL_THRESHOLD")
METRICS_ENABLED: bool = env("METRICS_ENABLED")
METRICS_BATCH_ENABLED: bool = env("METRICS_BATCH_ENABLED")
METRICS_BATCH_SIZE: int = env("METRICS_BATCH_SIZE")
METRICS_FLUSH_INTERVAL: int = env("METRICS_FLUSH_INTERVAL")
METRICS_TOKEN: str = env("METRICS_TOKEN")

# --- the API ---
RATE_LIMIT_GENERAL: str = env("RATE_LIMIT_GENERAL")
RATE_LIMIT_CREATION: str = env("RATE_LIMIT_CREATION")
RATE_LIMIT_ADMINISTRATION: str = env("RATE_LIMIT_ADMINISTRATION")
RATE_LIMIT_LOGIN: str = env("RATE_LIMIT_LOGIN")
TRUSTED_PROXIES: int = env("TRUSTED_PROXIES")
WEBHOOK_ALLOWED_PRIVATE: list[str] = env("WEBHOOK_ALLOWED_PRIVATE")
WEBHOOK_CA_FILE: str = env.file("WEBHOOK_CA_FILE")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["queues.api.permissions.ByPolicy"],  # a view that declares no needs lets nobody in
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["queues.api.parsers.SmallJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "queues.api.auto_schema.AutoSchema",
    "EXCEPTION_HANDLER": "queues.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # Accept says what is wanted
}
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "CHECK_REVOKE_TOKEN": True,
    "UPDATE_LAST_LOGIN": True,
    "AUDIENCE": "roundsman",
    "ISSUER": "roundsman",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Roundsman",
    "DESCRIPTION": "Run, watch and steer the jobs of a waste hauler.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": "none"},  # nothing leaves the machine
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "queues.api.schema_hooks.job_params",
        "queues.api.schema_hooks.times_to_come",
        "queues.api.schema_hooks.sparse_answers",
        "queues.api.schema_hooks.told_in_headers",
        "queues.api.schema_hooks.problems_once",
    ],
    "ENUM_NAME_OVERRIDES": {
        "QueueName": "queues.catalogue.NAMES",
        "RunState": "queues.models.Run.State",
        "ScheduleKind": "queues.models.Schedule.Kind",
        "ScheduleState": "queues.api.schedule_serializers.STATES",
        "WorkerState": "queues.api.workers.STATES",
        "EventKind": "queues.models.RunEvent.Kind",
        "Grade": "queues.api.answers.GRADES",
        "HealthWord": "queues.api.answers.WORDS",
        "ComponentName": "queues.api.answers.COMPONENTS",
        "WebhookState": "queues.api.webhook_serializers.STATES",
        "WebhookEvent": "queues.ledger.webhook_events.EVENTS",
        "DeliveryEvent": "queues.api.webhook_serializers.TOLD",
        "DeliveryState": "queues.models.WebhookDelivery.State",
        "UpOrDown": "queues.api.answers.UP_OR_DOWN",
    },
}

# --- signing in ---
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_HANDLER = "queues.api.login_throttle.Handler"
AXES_FAILURE_LIMIT = 5  # of a name from one address; fifty from an address: see queues.api.login_throttle
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]
AXES_CLIENT_IP_CALLABLE = "queues.api.login_throttle.address"
AXES_LOCKOUT_CALLABLE = "queues.api.login_throttle.closed_page"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # who goes on trying locks nobody out for ever
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "otp"]
OTP_TOTP_ISSUER = "Roundsman"
STAFF_TOTP_REQUIRED: bool = env("STAFF_TOTP_REQUIRED")
SIGN_IN_MAX_DAYS: int = env("SIGN_IN_MAX_DAYS")
SESSION_IDLE_S: int = env("SESSION_IDLE_S")

# --- outside services ---
STRIPE_API_KEY: str = env("STRIPE_API_KEY")
STRIPE_WEBHOOK_SECRETS: list[str] = env("STRIPE_WEBHOOK_SECRET")
STRIPE_API_BASE: str = env("STRIPE_API_BASE")

# --- people, language, files ---
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE: str = env("TIME_ZONE")
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- security ---
_https = not env("INSECURE_HTTP")
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]  # asked from inside, without TLS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
if _https:  # browsers take a cookie of such a name over HTTPS alone, and from this very host
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SESSION_COOKIE_AGE = 12 * 3600  # from signing in, whatever is done; idle ones end sooner: see queues.admin.session_age
LOGIN_REDIRECT_URL = "admin:index"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- logs ---
LOGGING = logging_of(env("LOG_FORMAT"), env("LOG_LEVEL"))
LOGGING_CONFIG = "project.logs.config.configure"
redaction.remember(env.secret_texts())
