"""Real servers on loopback, each with a way to make and to end a token.

Every server is a context manager: it is installed where it is missing (from PyPI, pinned, below .build/recordings; what
comes from Debian must be there), started on a free port of 127.0.0.1 in an empty directory, and gone at the end."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
INSTALLED = PROJECT / ".build/recordings"
PASSWORD = "correct-horse-battery"
PYPI = {
    "synapse": ["matrix-synapse==1.163.2"],
    "django": [
        "Django==5.2.19", "djangorestframework==3.18.3", "django-rest-knox==5.1.0", "django-oauth-toolkit==3.4.1",
        "Flask==3.1.3", "Flask-JWT-Extended==4.7.4", "gunicorn==27.0.1",
    ],
    "jupyterhub": ["jupyterhub==6.1.1", "jupyter_server==2.21.1"],
    "keystone": ["keystone==30.0.0"],
}


def environment(name):
    """The bin directory of the virtual environment that a server lives in."""
    venv = INSTALLED / name
    stamp = venv / "installed"
    wanted = "\n".join(PYPI[name])
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {', '.join(PYPI[name])}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        pip = [venv / "bin/pip", "install", "-q", "--disable-pip-version-check", "--retries", "5", *PYPI[name]]
        subprocess.run(pip, check=True, stdin=subprocess.DEVNULL)
        stamp.write_text(wanted)
    return venv / "bin"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.getheaders()
        self.body = response.read().decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)


def ask(port, method, path, body=None, headers=None, secret=None, scheme="Bearer"):
    """One request to 127.0.0.1; a body that is no text is sent as JSON."""
    headers = dict(headers or {})
    if secret:
        headers["Authorization"] = f"{scheme} {secret}"
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=headers)
        return Answer(connection.getresponse())


@contextlib.contextmanager
def directory():
    # Not below a directory that others cannot enter: some of these give up root.
    with tempfile.TemporaryDirectory(prefix="tokenvigil-recording-", ignore_cleanup_errors=True) as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


@contextlib.contextmanager
def process(argv, port, where, ready="/", environment=None, host=None, within=90.0):
    """Runs a server until the block ends: ready when it answers a GET of `ready` with anything."""
    log = open(where / "log", "ab")
    child = subprocess.Popen(
        [str(word) for word in argv], cwd=where, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        env={**os.environ, **(environment or {})}, start_new_session=True,
    )
    try:
        deadline = time.monotonic() + within
        while True:
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[0]} did not start:\n{(where / 'log').read_text()[-4000:]}")
            try:
                ask(port, "GET", ready, headers={"Host": host} if host else None)
                break
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
        yield child
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)
                break
        log.close()


# MARK: Synapse


class Synapse:
    """A Matrix homeserver."""

    name = "Synapse 1.163.2"
    whoami = "/_matrix/client/v3/account/whoami"

    def __init__(self, port, shared_secret):
        self.port = port
        self.shared_secret = shared_secret
        self.admin = self.register("admin", is_admin=True)

    def register(self, user, is_admin=False):
        """Makes an account; returns an access token of it."""
        nonce = ask(self.port, "GET", "/_synapse/admin/v1/register").json["nonce"]
        parts = [nonce, user, PASSWORD, "admin" if is_admin else "notadmin"]
        mac = hmac.new(self.shared_secret.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        account = {"nonce": nonce, "username": user, "password": PASSWORD, "admin": is_admin, "mac": mac}
        return ask(self.port, "POST", "/_synapse/admin/v1/register", account).json["access_token"]

    def log_in(self, user, **more):
        body = {
            "type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": PASSWORD, **more
        }
        return ask(self.port, "POST", "/_matrix/client/v3/login", body).json["access_token"]

    def log_out(self, token):
        return ask(self.port, "POST", "/_matrix/client/v3/logout", {}, secret=token)

    def change(self, user, **settings):
        """An administrator changes an account."""
        return ask(self.port, "PUT", f"/_synapse/admin/v2/users/@{user}:localhost", settings, secret=self.admin)


@contextlib.contextmanager
def synapse():
    python = environment("synapse") / "python"
    with directory() as where:
        port, shared_secret = free_port(), base64.b16encode(os.urandom(16)).decode()
        (where / "homeserver.yaml").write_text(json.dumps({
            "server_name": "localhost", "pid_file": str(where / "pid"), "signing_key_path": str(where / "signing.key"),
            "listeners": [{
                "port": port, "bind_addresses": ["127.0.0.1"], "type": "http", "resources": [{"names": ["client"]}]
            }],
            "database": {"name": "sqlite3", "args": {"database": str(where / "db")}},
            "media_store_path": str(where / "media"), "log_config": str(where / "log.yaml"), "report_stats": False,
            "registration_shared_secret": shared_secret, "macaroon_secret_key": "m" * 32, "form_secret": "f" * 32,
            "trusted_key_servers": [], "suppress_key_server_warning": True, "enable_registration": False,
            "refreshable_access_token_lifetime": "1s", "bcrypt_rounds": 4,
            "experimental_features": {"msc3823_account_suspension": True},
            "rc_login": {name: {"per_second": 1000, "burst_count": 1000} for name in ("address", "account")},
        }))
        (where / "log.yaml").write_text(json.dumps({
            "version": 1, "root": {"level": "WARNING", "handlers": ["console"]},
            "handlers": {"console": {"class": "logging.StreamHandler"}},
        }))
        argv = [python, "-m", "synapse.app.homeserver", "-c", where / "homeserver.yaml"]
        subprocess.run([*argv, "--generate-keys"], check=True, cwd=where, capture_output=True)
        with process(argv, port, where, ready="/_matrix/client/versions"):
            yield Synapse(port, shared_secret)


# MARK: Django and Flask


class Django:
    """A site with REST framework, knox and OAuth Toolkit; `secrets` has a token of each kind in each state."""

    def __init__(self, port, secrets):
        self.port = port
        self.secrets = secrets

    def log_in(self, user="bot"):
        basic = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        return ask(self.port, "POST", "/knox/login/", secret=basic, scheme="Basic").json["token"]

    def log_out(self, token):
        return ask(self.port, "POST", "/knox/logout/", secret=token, scheme="Token")

    def grant(self):
        """An OAuth access token of the client "asker"."""
        return self.form("/oauth/token/", grant_type="client_credentials").json["access_token"]

    def revoke(self, token):
        return self.form("/oauth/revoke_token/", token=token)

    def form(self, path, **fields):
        basic = base64.b64encode(self.secrets["asker"].encode()).decode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return ask(self.port, "POST", path, urllib.parse.urlencode(fields), headers, secret=basic, scheme="Basic")


@contextlib.contextmanager
def django():
    programs = environment("django")
    with directory() as where:
        port = free_port()
        settings = {"SITE_DATABASE": str(where / "db"), "SITE_PASSWORD": PASSWORD, "PYTHONPATH": str(HERE)}
        made = subprocess.run(
            [programs / "python", HERE / "django_site.py"], env={**os.environ, **settings}, capture_output=True,
            text=True, stdin=subprocess.DEVNULL,
        )
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        argv = [programs / "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "1", "--threads", "4", "django_site:application"]
        with process(argv, port, where, environment=settings):
            yield Django(port, json.loads(made.stdout))


@contextlib.contextmanager
def flask():
    programs = environment("django")
    with directory() as where:
        port = free_port()
        settings = {"PYTHONPATH": str(HERE)}
        argv = [programs / "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "1", "flask_site:application"]
        with process(argv, port, where, environment=settings):
            yield port


# MARK: Jupyter


class Hub:
    name = "JupyterHub 6.1.1"

    def __init__(self, port, admin):
        self.port = port
        self.admin = admin
        self.call("POST", "/users/bot")

    def call(self, method, path, body=None):
        return ask(self.port, method, "/hub/api" + path, body, secret=self.admin, scheme="token")

    def mint(self, **settings):
        """A token of the user bot, with its id."""
        made = self.call("POST", "/users/bot/tokens", settings).json
        return made["token"], made["id"]

    def revoke(self, number):
        return self.call("DELETE", f"/users/bot/tokens/{number}")


@contextlib.contextmanager
def jupyterhub():
    programs = environment("jupyterhub")
    with directory() as where:
        port, admin = free_port(), base64.b16encode(os.urandom(16)).decode()
        (where / "config.py").write_text(f"""
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    should_start = False
    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {{}}

c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.bind_url = "http://127.0.0.1:{free_port()}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.db_url = "sqlite:///{where}/db"
c.JupyterHub.cookie_secret_file = "{where}/cookie"
c.JupyterHub.services = [{{"name": "admin", "api_token": "{admin}", "admin": True}}]
c.JupyterHub.load_roles = [{{"name": "all", "services": ["admin"], "scopes": ["admin:users", "tokens", "admin:servers"]}}]
""")
        argv = [programs / "python", "-m", "jupyterhub", "-f", where / "config.py"]
        with process(argv, port, where, ready="/hub/api"):
            yield Hub(port, admin)


@contextlib.contextmanager
def jupyter_server(token):
    programs = environment("jupyterhub")
    with directory() as where:
        port = free_port()
        argv = [
            programs / "python", "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1",
            f"--port={port}", f"--ServerApp.root_dir={where}",
        ]
        settings = {"JUPYTER_TOKEN": token, "HOME": str(where), "JUPYTER_RUNTIME_DIR": str(where)}
        with process(argv, port, where, ready="/api", environment=settings):
            yield port


# MARK: Keystone


class Keystone:
    name = "Keystone 30.0.0"

    def __init__(self, port):
        self.port = port
        self.admin = self.issue("admin")

    def issue(self, user):
        """A token got with a password."""
        who = {"user": {"name": user, "domain": {"id": "default"}, "password": PASSWORD}}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}} if user == "admin" else None
        auth = {"identity": {"methods": ["password"], "password": who}, **({"scope": scope} if scope else {})}
        answer = ask(self.port, "POST", "/v3/auth/tokens", {"auth": auth})
        return dict((name.lower(), value) for name, value in answer.headers)["x-subject-token"]

    def call(self, method, path, body=None, **headers):
        return ask(self.port, method, path, body, headers={"X-Auth-Token": self.admin, **headers})

    def add(self, user):
        body = {"user": {"name": user, "domain_id": "default", "password": PASSWORD}}
        return self.call("POST", "/v3/users", body).json["user"]["id"]


@contextlib.contextmanager
def keystone(lifetime):
    """`lifetime`: how long a token lives, in seconds."""
    programs = environment("keystone")
    with directory() as where:
        port = free_port()
        (where / "keystone.conf").write_text(f"""
[DEFAULT]
log_dir = {where}
[database]
connection = sqlite:///{where}/db
[token]
provider = fernet
expiration = {lifetime}
allow_expired_window = 0
[fernet_tokens]
key_repository = {where}/fernet
[credential]
key_repository = {where}/credential
[cache]
enabled = false
""")
        (where / "fernet").mkdir()
        (where / "credential").mkdir()
        manage = [programs / "keystone-manage", "--config-file", where / "keystone.conf"]
        owner = ["--keystone-user", "root", "--keystone-group", "root"] if os.geteuid() == 0 else []
        for words in (
            ["db_sync"], ["fernet_setup", *owner], ["credential_setup", *owner],
            ["bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-public-url", f"http://127.0.0.1:{port}/v3/"],
        ):
            done = subprocess.run([*manage, *words], cwd=where, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(done.stderr[-4000:])
        # It reads the arguments of whatever program it runs in.
        program = f"""
import sys
from wsgiref.simple_server import make_server
sys.argv = ["keystone"]
from keystone.wsgi.api import application
make_server("127.0.0.1", {port}, application).serve_forever()
"""
        argv = [programs / "python", "-c", program]
        settings = {"OS_KEYSTONE_CONFIG_FILES": str(where / "keystone.conf")}
        with process(argv, port, where, ready="/v3", environment=settings):
            yield Keystone(port)


# MARK: what stands in front


@contextlib.contextmanager
def nginx(upstream, dead):
    """A web server with ModSecurity in front of `upstream`; every path prefix is one way to be in the way."""
    if not pathlib.Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so").exists():
        raise RuntimeError("needed: apt-get install nginx libnginx-mod-http-modsecurity modsecurity-crs")
    with directory() as where:
        port = free_port()
        (where / "login.html").write_text("<!DOCTYPE html><html><title>Sign in</title><h1>Please sign in</h1></html>")
        (where / "crs.conf").write_text("""
SecRuleEngine On
SecRequestBodyAccess On
SecAuditEngine Off
# This low, the numeric Host of a request (rule 920350) is enough.
SecAction "id:900110,phase:1,nolog,pass,t:none,setvar:tx.inbound_anomaly_score_threshold=3"
SecAction "id:900990,phase:1,nolog,pass,t:none,setvar:tx.crs_setup_version=334"
Include /usr/share/modsecurity-crs/rules/*.conf
""")
        back = f"proxy_pass http://127.0.0.1:{upstream}/;"
        (where / "nginx.conf").write_text(f"""
load_module /usr/lib/nginx/modules/ngx_http_modsecurity_module.so;
daemon off; master_process off; pid {where}/pid; error_log {where}/error.log;
events {{}}
http {{
  access_log off; server_tokens on; default_type text/html;
  client_body_temp_path {where}/a; proxy_temp_path {where}/b; fastcgi_temp_path {where}/c; uwsgi_temp_path {where}/d;
  scgi_temp_path {where}/e;
  limit_req_zone $binary_remote_addr zone=slow:1m rate=1r/m;
  auth_basic_user_file {where}/passwords;
  server {{
    listen 127.0.0.1:{port};
    root {where};
    location /plain/ {{ {back} }}
    location /waf/ {{ modsecurity on; modsecurity_rules_file {where}/crs.conf; {back} }}
    location /deny/ {{ deny all; {back} }}
    location /basic/ {{ auth_basic "staging"; {back} }}
    location /limited/ {{ limit_req zone=slow; {back} }}
    location /page401/ {{ proxy_intercept_errors on; error_page 401 /login.html; {back} }}
    location /page200/ {{ proxy_intercept_errors on; error_page 401 =200 /login.html; {back} }}
    location /login302/ {{ proxy_intercept_errors on; error_page 401 =302 https://sso.example.org/login; {back} }}
    location /stripped/ {{ proxy_set_header Authorization ""; {back} }}
    location /down/ {{ proxy_pass http://127.0.0.1:{dead}/; }}
    location = /login.html {{ internal; }}
  }}
}}
""")
        (where / "passwords").write_text("staging:{PLAIN}staging\n")
        with process(["/usr/sbin/nginx", "-p", where, "-c", where / "nginx.conf"], port, where):
            yield port


@contextlib.contextmanager
def haproxy(upstream, dead):
    if not pathlib.Path("/usr/sbin/haproxy").exists():
        raise RuntimeError("needed: apt-get install haproxy")
    with directory() as where:
        port = free_port()
        (where / "haproxy.cfg").write_text(f"""
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
userlist people
  user staging insecure-password staging
frontend front
  bind 127.0.0.1:{port}
  http-request deny if {{ path_beg /deny/ }}
  http-request deny deny_status 429 if {{ path_beg /limited/ }}
  http-request auth realm staging if {{ path_beg /basic/ }} !{{ http_auth(people) }}
  http-request set-var(txn.way) path,field(2,/)
  use_backend dead if {{ var(txn.way) -m str down }}
  http-request replace-path /[a-z]+(/.*) \\1
  default_backend api
backend api
  server api 127.0.0.1:{upstream}
backend dead
  server dead 127.0.0.1:{dead}
""")
        with process(["/usr/sbin/haproxy", "-f", where / "haproxy.cfg"], port, where):
            yield port


@contextlib.contextmanager
def squid():
    """A forward proxy that knows no name server worth the name."""
    if not pathlib.Path("/usr/sbin/squid").exists():
        raise RuntimeError("needed: apt-get install squid")
    with directory() as where:
        port = free_port()
        os.chmod(where, 0o777)
        (where / "squid.conf").write_text(f"""
http_port 127.0.0.1:{port}
acl forbidden dstdomain forbidden.example.org
http_access deny forbidden
http_access allow localhost
http_access deny all
cache deny all
dns_nameservers 127.0.0.1
dns_timeout 1 second
pid_filename {where}/pid
access_log none
cache_log {where}/cache.log
coredump_dir {where}
visible_hostname proxy.example.org
shutdown_lifetime 1 second
""")
        with process(["/usr/sbin/squid", "-N", "-f", where / "squid.conf"], port, where):
            yield port
