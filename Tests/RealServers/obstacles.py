"""Front ends that are in the way: nginx, HAProxy, Apache and Squid from Debian, each configured to take the token away, to
rewrite or to keep answers, to block, or to find no server behind it.

A row says what becomes, meanwhile, of a token that works and of one whose owner has logged out for real. `api` of a row is
the address that the front end asks: "up" is the site, "down" nobody, "mute" somebody who never answers."""

import dataclasses
import pathlib

MODULES = pathlib.Path("/usr/lib/apache2/modules")
PAGE = "<!DOCTYPE html><html><title>Sign in</title><h1>Please sign in</h1></html>"
# Seconds for which a cache keeps an answer.
KEPT = 12


@dataclasses.dataclass(frozen=True)
class Row:
    """One way to be in the way, what it is called, and what becomes of both tokens."""

    server: str
    title: str
    # Lines of the configuration, in the place that each server has for them.
    lines: str
    # State and reason; None is any.
    alive: tuple
    dead: tuple
    api: str = "up"


def nginx(place, row):
    return [
        "nginx", "-e", "stderr", "-p", place.directory, "-c",
        place.write("nginx.conf", f"""
daemon off; master_process off; pid {place.directory}/nginx.pid; error_log stderr notice;
events {{ worker_connections 128; }}
http {{
  access_log off; default_type text/html; proxy_read_timeout 1s; proxy_connect_timeout 1s;
  client_body_temp_path {place.directory}/body; proxy_temp_path {place.directory}/proxy;
  fastcgi_temp_path {place.directory}/fastcgi; uwsgi_temp_path {place.directory}/uwsgi; scgi_temp_path {place.directory}/scgi;
  proxy_cache_path {place.directory}/cache keys_zone=kept:1m;
  limit_req_zone $binary_remote_addr zone=slow:1m rate=1r/m;
  server {{
    listen 127.0.0.1:{place.port};
    location / {{
      {row.lines}
      proxy_pass http://127.0.0.1:{place.backend};
    }}
    location = /own-refusal {{ internal; default_type application/json; return 403 '{{"error": "forbidden"}}'; }}
    location = /sign-in {{ internal; return 200 '{PAGE}'; }}
  }}
}}
"""),
    ]


def haproxy(place, row):
    page = place.write("page.html", PAGE)
    refusal = place.write("refusal.json", '{"error": "forbidden"}')
    lines = row.lines.format(page=page, refusal=refusal)
    return [
        "haproxy", "-db", "-f",
        place.write("haproxy.cfg", f"""
global
  maxconn 200
defaults
  mode http
  timeout client 10s
  timeout server 1s
  timeout connect 1s
cache kept
  total-max-size 4
  max-age {KEPT}
  process-vary on
frontend front
  bind 127.0.0.1:{place.port}
  default_backend api
backend api
{lines}
  server api 127.0.0.1:{place.backend}
"""),
    ]


def apache(place, row):
    names = ["mpm_event", "authz_core", "proxy", "proxy_http", "headers", "cache", "cache_disk"]
    loads = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names)
    (place.directory / "kept").mkdir(exist_ok=True)
    (place.directory / "kept").chmod(0o777)
    return [
        "apache2", "-D", "FOREGROUND", "-f",
        place.write("apache.conf", f"""
{loads}
ServerRoot {place.directory}
ServerName localhost
DefaultRuntimeDir {place.directory}
PidFile {place.directory}/apache.pid
ErrorLog {place.directory}/apache-error.log
Listen 127.0.0.1:{place.port}
Timeout 5
ProxyTimeout 1
CacheRoot {place.directory}/kept
{row.lines}
ProxyPass / http://127.0.0.1:{place.backend}/ retry=0
"""),
    ]


def squid(place, row):
    return [
        "squid", "-N", "-d", "1", "-n", f"vigil{place.port}", "-f",
        place.write("squid.conf", f"""
{row.lines}
http_access allow all
access_log none
cache_log /dev/null
pid_filename none
shutdown_lifetime 0 seconds
pinger_enable off
netdb_filename none
icon_directory /usr/share/squid/icons
workers 1
read_timeout 2 seconds
connect_timeout 1 second
http_port 127.0.0.1:{place.port} accel defaultsite=localhost
cache_peer 127.0.0.1 parent {place.backend} 0 no-query originserver login=PASSTHRU name=api connect-timeout=1
visible_hostname localhost
"""),
    ]


PROGRAMS = {"nginx": "nginx", "HAProxy": "haproxy", "Apache": "apache2", "Squid": "squid"}
SERVERS = {"nginx": nginx, "HAProxy": haproxy, "Apache": apache, "Squid": squid}

VALID = ("valid", None)
INVALID = ("invalid", None)
UNCERTAIN = ("unknown", "unexpected")
WHATEVER = (None, None)
BLOCKED = ("unknown", "blocked")


def failing(status):
    return ("unknown", status)


NOTHING = failing("server_error")
KEEP = f"proxy_cache kept; proxy_cache_valid 200 {KEPT}s; proxy_ignore_headers Cache-Control Vary Set-Cookie Expires;"

ROWS = [
    Row("nginx", "takes the token away", 'proxy_set_header Authorization "";', UNCERTAIN, UNCERTAIN),
    Row("nginx", "puts another credential in its place", 'proxy_set_header Authorization "Token staging";', BLOCKED, BLOCKED),
    Row("nginx", "makes refusals a 403 of its own", "proxy_intercept_errors on; error_page 401 =403 /own-refusal;", VALID, BLOCKED),
    Row("nginx", "makes refusals a page of its own", "proxy_intercept_errors on; error_page 401 =401 /sign-in;", VALID, BLOCKED),
    Row("nginx", "makes refusals a page with 200", "proxy_intercept_errors on; error_page 401 =200 /sign-in;", VALID, ("unknown", None)),
    Row("nginx", "makes refusals a redirect", "proxy_intercept_errors on; error_page 401 =302 https://sso.example.org/;", VALID, ("unknown", "redirected")),
    Row("nginx", "keeps answers for each token", f'{KEEP} proxy_cache_key "$uri $http_authorization";', VALID, INVALID),
    Row("nginx", "keeps answers for everybody", f'{KEEP} proxy_cache_key "$uri";', VALID, WHATEVER),
    Row("nginx", "denies", "deny all;", BLOCKED, BLOCKED),
    Row("nginx", "limits requests", "limit_req zone=slow; limit_req_status 429;", ("unknown", "rate_limited"), ("unknown", "rate_limited")),
    Row("nginx", "finds nobody behind it", "", NOTHING, NOTHING, api="down"),
    Row("nginx", "waits in vain", "", NOTHING, NOTHING, api="mute"),
    Row("HAProxy", "takes the token away", "  http-request del-header Authorization", UNCERTAIN, UNCERTAIN),
    Row("HAProxy", "makes refusals a 403 of its own", "  http-response return status 403 content-type application/json file {refusal} if {{ status 401 }}", VALID, BLOCKED),
    Row("HAProxy", "makes refusals a page with 200", "  http-response return status 200 content-type text/html file {page} if {{ status 401 }}", VALID, ("unknown", None)),
    Row("HAProxy", "keeps what it may", "  http-request cache-use kept\n  http-response cache-store kept", VALID, INVALID),
    Row("HAProxy", "denies", "  http-request deny deny_status 403", BLOCKED, BLOCKED),
    Row("HAProxy", "denies with 401", "  http-request deny deny_status 401", BLOCKED, BLOCKED),
    Row("HAProxy", "limits requests", "  http-request deny deny_status 429", ("unknown", "rate_limited"), ("unknown", "rate_limited")),
    Row("HAProxy", "finds nobody behind it", "", NOTHING, NOTHING, api="down"),
    Row("HAProxy", "waits in vain", "", NOTHING, NOTHING, api="mute"),
    Row("Apache", "takes the token away", "RequestHeader unset Authorization", UNCERTAIN, UNCERTAIN),
    Row("Apache", "makes refusals a page of its own", "ProxyErrorOverride On 401 403", VALID, BLOCKED),
    Row("Apache", "keeps what it may not", f"CacheEnable disk /\nCacheDefaultExpire {KEPT}\nCacheIgnoreCacheControl On\nCacheStoreNoStore On\nCacheStorePrivate On", VALID, INVALID),
    Row("Apache", "denies", "<Location />\nRequire all denied\n</Location>", BLOCKED, BLOCKED),
    Row("Apache", "finds nobody behind it", "", NOTHING, NOTHING, api="down"),
    Row("Apache", "waits in vain", "", NOTHING, NOTHING, api="mute"),
    Row("Squid", "takes the token away", "request_header_access Authorization deny all", UNCERTAIN, UNCERTAIN),
    Row("Squid", "keeps what it may not", "refresh_pattern . 1 100% 1 override-expire ignore-reload ignore-no-store ignore-private ignore-auth", VALID, INVALID),
    Row("Squid", "denies", "http_access deny all", BLOCKED, BLOCKED),
    Row("Squid", "finds nobody behind it", "", NOTHING, NOTHING, api="down"),
    Row("Squid", "waits in vain", "", NOTHING, NOTHING, api="mute"),
]


def table():
    """The rows as they stand in docs/verdicts.md."""

    def cell(pair):
        state, reason = pair
        if state is None:
            return "what the cache has kept of the other, until that is over"
        return f"{state}: {reason}" if reason else state

    lines = ["| front end | what it does | a token that works | one that is dead |", "| --- | --- | --- | --- |"]
    lines += [f"| {row.server} | {row.title} | {cell(row.alive)} | {cell(row.dead)} |" for row in ROWS]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
