"""Prints `export` lines for a production-like environment with fresh throw-away secrets: for checks that need one."""

import secrets

VALUES = {
    "DJANGO_SETTINGS_MODULE": "project.settings.base",
    "SECRET_KEY": secrets.token_urlsafe(60),
    "JWT_SIGNING_KEY": secrets.token_urlsafe(60),
    "ENCRYPTION_KEYS": secrets.token_urlsafe(60),
    "METRICS_TOKEN": secrets.token_urlsafe(30),
    "ALLOWED_HOSTS": "roundsman.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://roundsman.example.org",
    "DATABASE_URL": "sqlite:///ci.sqlite3",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
}
for name, value in VALUES.items():
    print(f"export {name}='{value}'")
