"""Settings of the shop; what differs between places comes from the environment.

| variable | meaning | default |
|---|---|---|
| DATABASE_URL | see `database.py` | a SQLite file in `.strangler/` |
| SHOP_DEBUG | `1` for development | off |
| SHOP_SECRET_KEY | signs sessions; needed unless SHOP_DEBUG is on | |
| SHOP_ALLOWED_HOSTS | host names, comma-separated | the loopback names |
| SHOP_SECURE_COOKIES | `1` where every visitor comes by HTTPS | off |
| SHOP_MEDIA_ROOT | folder of uploads | `.strangler/media` |
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from legacy_monolith.database import database

BASE_DIR = Path(__file__).resolve().parent

DEBUG = os.environ.get("SHOP_DEBUG", "") == "1"
SECRET_KEY = os.environ.get("SHOP_SECRET_KEY", "development-only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SHOP_SECRET_KEY, or SHOP_DEBUG=1 for development.")

ALLOWED_HOSTS = os.environ.get("SHOP_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

# Who believes this header must know who sent it. The shop listens on a private address behind the
# gateway, which replaces whatever X-Forwarded-Proto a client sent with the scheme it saw itself.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = os.environ.get("SHOP_SECURE_COOKIES", "") == "1"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "legacy_monolith",
    "legacy_monolith.members",
    "legacy_monolith.catalog",
    "legacy_monolith.reviews",
    "legacy_monolith.notices",
    "legacy_monolith.orders",
    "legacy_monolith.payments",
    "legacy_monolith.inventory",
    "legacy_monolith.shipping",
]

MIDDLEWARE = [
    "legacy_monolith.head.without_body",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "legacy_monolith.urls"
WSGI_APPLICATION = "legacy_monolith.wsgi.application"
CSRF_FAILURE_VIEW = "legacy_monolith.errors.csrf_failure"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": database(os.environ.get("DATABASE_URL", "sqlite:///.strangler/shop.sqlite3"))
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "members.Member"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

# Files come from the apps as they are, without a collecting step and under lasting names: the
# extracted services link to the same stylesheet.
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(os.environ.get("SHOP_MEDIA_ROOT", ".strangler/media")).resolve()

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    # Without this Django would mail each error to nobody.
    "loggers": {"django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}
