"""The servers of a measurement: an API behind TLS (nginx), and a receiver of webhooks. Both on 127.0.0.1."""

import http.server
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRATCH = ROOT / ".build"

# What Tallyfy answers to /me.
BODY = json.dumps({"data": {"id": 12345, "email": "svc@example.test", "username": "svc", "full_name": "Svc Account",
    "timezone": "UTC", "locale": "en", "active": True, "is_suspended": False, "status": "active", "role": "standard",
    "last_login_at": "2026-01-01T00:00:00.000Z", "created_at": "2025-01-01T00:00:00.000Z"}})


def name(number):
    return f"t{number:08d}"


def secret(number):
    return f"token-number-{number:08d}"


def scratch(prefix):
    """A directory on the disk: /tmp may be a tmpfs, and what is written there is written nowhere."""
    SCRATCH.mkdir(exist_ok=True)
    return pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=SCRATCH))


class Nginx:
    """An API that knows every token; one that `log_out` names is answered 401 from then on.

    Each request costs one look for a file, whoever asks. One worker, so that it can use one core at most.
    """

    def __init__(self, http2):
        self.directory = scratch("bench-nginx-")
        self.dead = self.directory / "dead"
        self.dead.mkdir()
        self.process = None
        try:
            self.start(http2)
        except BaseException:
            self.close()
            raise

    def start(self, http2):
        make_certificate(self.directory)
        self.port = free_port()
        log = self.directory / "access.log"
        (self.directory / "nginx.conf").write_text(configuration(self, log, http2))
        self.process = subprocess.Popen(["nginx", "-p", self.directory, "-c", self.directory / "nginx.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        measure.until(lambda: self.process.poll() is not None or (log.exists() and connects(self.port)), "nginx listens", 10)
        if self.process.poll() is not None:
            raise measure.Trouble("nginx does not start: " + last_line(self.directory / "error.log"))
        self.log = measure.AccessLog(log)

    @property
    def certificate(self):
        return self.directory / "cert.pem"

    def cpu(self):
        return sum(measure.cpu(pid) for pid in measure.children(self.process.pid))

    def read(self):
        """The log up to now: nginx writes it twice a second."""
        time.sleep(0.7)
        return self.log.read()

    def log_out(self, number):
        (self.dead / f"Bearer {secret(number)}").touch()
        return time.time()

    def close(self):
        if self.process:
            stop(self.process)
        if hasattr(self, "log"):
            self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def configuration(nginx, log, http2):
    directory = nginx.directory
    user = "user root;" if os.geteuid() == 0 else ""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    temporary = "".join(f"{kind}_temp_path {directory}/{kind}; " for kind in
        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log; {user}
events {{ worker_connections {max(512, min(16384, files - 100))}; }}
http {{
  {temporary}
  log_format probes '$msec $connection $status $http_authorization';
  access_log {log} probes buffer=256k flush=500ms;
  keepalive_requests 1000000000; keepalive_time 24h; keepalive_timeout 75s; http2_max_concurrent_streams 1024;
  ssl_session_cache shared:bench:10m;
  server {{
    listen 127.0.0.1:{nginx.port} ssl {'http2' if http2 else ''} backlog=4096; server_name localhost;
    ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem;
    location = /me {{
      default_type application/json;
      if ($http_authorization = "") {{ return 401 '{{"message":"Unauthenticated."}}'; }}
      if (-f {nginx.dead}/$http_authorization) {{ return 401 '{{"message":"Unauthenticated."}}'; }}
      return 200 '{BODY}';
    }}
  }}
}}"""


def make_certificate(directory):
    """One certificate that is its own authority."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", directory / "key.pem", "-out", directory / "cert.pem", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True, timeout=30)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def last_line(path):
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "it said nothing"
    return lines[-1][:300] if lines else "it said nothing"


def stop(process, limit=15):
    """Ends a process; gives the seconds that took, None where it had to be killed."""
    begun = time.monotonic()
    process.terminate()
    try:
        process.wait(limit)
        return time.monotonic() - begun
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


class Receiver:
    """Takes webhooks, and remembers when the first one about the death of each token had arrived."""

    def __init__(self):
        self.deaths = {}
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                receiver.take(body, time.time())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def take(self, body, now):
        document = json.loads(body)
        if document["type"] != "token.invalidated":
            return
        for token in document["data"]["tokens"]:
            if re.fullmatch(r"t\d{8}", token["name"]):
                self.deaths.setdefault(int(token["name"][1:]), now)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
