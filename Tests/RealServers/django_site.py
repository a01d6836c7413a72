"""A small Django site with every kind of token: REST framework's own, knox, OAuth Toolkit.

Run as a program it makes the database and prints one secret of each kind in each state."""

import datetime
import json
import os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="not-a-secret",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="django_site",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SITE_DATABASE"]}},
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "rest_framework",
        "rest_framework.authtoken", "knox", "oauth2_provider",
    ],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.contrib.sessions.middleware.SessionMiddleware"],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    OAUTH2_PROVIDER={"SCOPES": {"read": "read", "write": "write", "introspection": "introspection"}},
    REST_FRAMEWORK={"DEFAULT_THROTTLE_RATES": {"user": "1/day"}, "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer"
    ]},
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.auth import TokenAuthentication as KnoxAuthentication  # noqa: E402
from knox.models import AuthToken  # noqa: E402
from knox.views import LoginView, LogoutView  # noqa: E402
from oauth2_provider.contrib.rest_framework import OAuth2Authentication, TokenHasScope  # noqa: E402
from oauth2_provider.models import AccessToken, Application  # noqa: E402
from oauth2_provider.views.generic import ProtectedResourceView  # noqa: E402
from rest_framework.authentication import BasicAuthentication, SessionAuthentication, TokenAuthentication  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.permissions import IsAdminUser, IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.throttling import UserRateThrottle  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Me(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"id": request.user.id, "username": request.user.get_username()})


class Login(LoginView):
    authentication_classes = [BasicAuthentication]


class ReadersOnly(Me):
    authentication_classes = [OAuth2Authentication]
    permission_classes = [TokenHasScope]
    required_scopes = ["write"]


class Page(ProtectedResourceView):
    def get(self, request):
        return JsonResponse({"username": request.resource_owner.get_username()})


def me(*authentication, **more):
    return Me.as_view(authentication_classes=list(authentication), **more)


urlpatterns = [
    path("token/me/", me(TokenAuthentication)),
    path("token/admin/", me(TokenAuthentication, permission_classes=[IsAdminUser])),
    path("token/throttled/", me(TokenAuthentication, throttle_classes=[UserRateThrottle])),
    path("session/me/", me(SessionAuthentication, TokenAuthentication)),
    path("session/admin/", me(SessionAuthentication, TokenAuthentication, permission_classes=[IsAdminUser])),
    path("knox/me/", me(KnoxAuthentication)),
    path("knox/login/", Login.as_view()),
    path("knox/logout/", LogoutView.as_view(authentication_classes=[KnoxAuthentication])),
    path("oauth/me/", me(OAuth2Authentication)),
    path("oauth/write/", ReadersOnly.as_view()),
    path("oauth/page/", Page.as_view()),
    path("oauth/", include("oauth2_provider.urls")),
]
application = get_wsgi_application()


def person(name):
    return User.objects.create_user(name, password=os.environ["SITE_PASSWORD"])


def access_token(user, name, age=datetime.timedelta(), scope="read"):
    expires = timezone.now() + datetime.timedelta(hours=1) - age
    return AccessToken.objects.create(
        user=user, token=f"oauth-{name}-{os.urandom(12).hex()}", expires=expires, scope=scope,
        application=Application.objects.get(),
    )


def main():
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    bot, gone, idle = person("bot"), person("gone"), person("idle")
    idle.is_active = False
    idle.save()
    Application.objects.create(
        name="asker", client_id="asker", client_secret="asker-s3cr3t", client_type="confidential",
        authorization_grant_type="client-credentials",
    )
    secrets = {
        "token": Token.objects.create(user=bot).key,
        "token-revoked": Token.objects.create(user=gone).key,
        "token-inactive": Token.objects.create(user=idle).key,
        "knox": AuthToken.objects.create(bot)[1],
        "knox-expired": AuthToken.objects.create(bot, expiry=datetime.timedelta(seconds=-60))[1],
        "knox-inactive": AuthToken.objects.create(idle)[1],
        "oauth": access_token(bot, "good").token,
        "oauth-expired": access_token(bot, "expired", datetime.timedelta(hours=2)).token,
        "oauth-revoked": access_token(bot, "revoked").token,
        "asker": "asker:asker-s3cr3t",
    }
    Token.objects.get(user=gone).delete()
    AccessToken.objects.get(token=secrets["oauth-revoked"]).revoke()
    print(json.dumps(secrets))


if __name__ == "__main__":
    main()
