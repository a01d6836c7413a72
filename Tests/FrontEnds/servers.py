"""Real servers from Debian between the daemon and the API, each as an ordinary process with its files in the test's directory.

A front end is given a port for itself, one for its own needs, the API behind it and a certificate, and says how it is
started. Idle connections are closed after a second or so, which is less than a token's interval here: it is then that HAProxy
says "400" or "408" to a connection that has asked for nothing."""

import dataclasses
import pathlib
import shutil

# Every server listens here; what is configured does not leave the host.
HERE = "127.0.0.1"


@dataclasses.dataclass
class Place:
    """What a front end has to know."""

    directory: pathlib.Path
    port: int
    # For what a server wants to listen on beside its own port.
    spare: int
    # The API's.
    backend: int
    certificate: pathlib.Path
    h2: bool

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path


def haproxy(place):
    alpn = "alpn h2,http/1.1" if place.h2 else "alpn http/1.1"
    config = place.write(
        "haproxy.cfg",
        f"""
global
  maxconn 200
defaults
  mode http
  timeout client 1s
  timeout http-keep-alive 1s
  timeout http-request 1s
  timeout server 10s
  timeout connect 2s
frontend front
  bind {HERE}:{place.port} ssl crt {place.certificate} {alpn}
  default_backend api
backend api
  server api {HERE}:{place.backend}
""",
    )
    return [["haproxy", "-db", "-f", config]]


def nginx(place):
    config = place.write(
        "nginx.conf",
        f"""
daemon off;
worker_processes 1;
pid {place.directory}/nginx.pid;
error_log stderr notice;
user root;
events {{ worker_connections 128; }}
http {{
  access_log off;
  client_body_temp_path {place.directory}/body; proxy_temp_path {place.directory}/proxy;
  fastcgi_temp_path {place.directory}/fastcgi; uwsgi_temp_path {place.directory}/uwsgi; scgi_temp_path {place.directory}/scgi;
  keepalive_timeout 1s;
  server {{
    listen {HERE}:{place.port} ssl{" http2" if place.h2 else ""};
    ssl_certificate {place.certificate}; ssl_certificate_key {place.certificate};
    location / {{ proxy_pass http://{HERE}:{place.backend}; }}
  }}
}}
""",
    )
    return [["nginx", "-e", "stderr", "-c", config, "-p", place.directory]]


def apache(place):
    modules = pathlib.Path("/usr/lib/apache2/modules")
    names = ["mpm_event", "authz_core", "socache_shmcb", "ssl", "proxy", "proxy_http", *(["http2"] if place.h2 else [])]
    loads = "\n".join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in names)
    config = place.write(
        "apache.conf",
        f"""
{loads}
ServerRoot {place.directory}
ServerName localhost
DefaultRuntimeDir {place.directory}
PidFile {place.directory}/apache.pid
ErrorLog {place.directory}/apache-error.log
Listen {HERE}:{place.port}
KeepAlive On
KeepAliveTimeout 1
Timeout 2
Protocols {"h2 http/1.1" if place.h2 else "http/1.1"}
SSLEngine on
SSLCertificateFile {place.certificate}
SSLSessionCache none
ProxyPass / http://{HERE}:{place.backend}/
""",
    )
    return [["apache2", "-D", "FOREGROUND", "-f", config]]


SQUID = """
http_access allow all
cache deny all
access_log none
cache_log /dev/null
pid_filename none
client_lifetime 1 hour
client_idle_pconn_timeout 1 second
server_idle_pconn_timeout 1 second
shutdown_lifetime 0 seconds
pinger_enable off
sslproxy_session_cache_size 0
netdb_filename none
icon_directory /usr/share/squid/icons
workers 1
"""


def squid_reverse(place):
    text = SQUID.format(directory=place.directory)
    config = place.write(
        "squid.conf",
        f"""{text}
https_port {HERE}:{place.port} accel defaultsite=localhost tls-cert={place.certificate} tls-key={place.certificate}
cache_peer {HERE} parent {place.backend} 0 no-query originserver login=PASSTHRU name=api
visible_hostname localhost
""",
    )
    return [["squid", "-N", "-d", "1", "-n", f"vigil{place.port}", "-f", config]]


def squid_forward(place):
    """As `https_proxy`: a tunnel to what listens at the port of `backend`."""
    text = SQUID.format(directory=place.directory)
    config = place.write("squid.conf", f"{text}\nhttp_port {HERE}:{place.port}\nvisible_hostname localhost\n")
    return [["squid", "-N", "-d", "1", "-n", f"vigil{place.port}", "-f", config]]


def stunnel(place):
    config = place.write(
        "stunnel.conf",
        f"""
foreground = yes
pid =
syslog = no
[api]
accept = {HERE}:{place.port}
connect = {HERE}:{place.backend}
cert = {place.certificate}
TIMEOUTidle = 1
""",
    )
    return [["stunnel4", config]]


def caddy(place):
    protocols = "h1 h2" if place.h2 else "h1"
    config = place.write(
        "Caddyfile",
        f"""
{{
  admin off
  auto_https off
  storage file_system {place.directory}
  servers {{
    protocols {protocols}
    timeouts {{
      idle 1s
    }}
  }}
}}
https://:{place.port} {{
  bind {HERE}
  tls {place.certificate} {place.certificate}
  reverse_proxy {HERE}:{place.backend}
}}
""",
    )
    return [["caddy", "run", "--adapter", "caddyfile", "--config", config]]


def hitch(place):
    """TLS alone, before Varnish, which speaks HTTP alone."""
    vcl = place.write(
        "default.vcl",
        f"""vcl 4.1;
backend api {{ .host = "{HERE}"; .port = "{place.backend}"; }}
sub vcl_recv {{ return (pass); }}
""",
    )
    config = place.write(
        "hitch.conf",
        f"""
frontend = "[{HERE}]:{place.port}"
backend = "[{HERE}]:{place.spare}"
pem-file = "{place.certificate}"
alpn-protos = "{"h2,http/1.1" if place.h2 else "http/1.1"}"
write-proxy-v2 = on
workers = 1
user = "nobody"
group = "nogroup"
daemon = off
""",
    )
    varnish = [
        "varnishd",
        "-F",
        "-n",
        place.directory / "varnish",
        "-f",
        vcl,
        "-a",
        f"{HERE}:{place.spare},PROXY",
        "-s",
        "malloc,8m",
    ]
    varnish += ["-p", "timeout_idle=1", "-j", "none", *(["-p", "feature=+http2"] if place.h2 else [])]
    return [varnish, ["hitch", "--config", config]]


def nghttpx(place):
    alpn = "h2,http/1.1" if place.h2 else "http/1.1"
    argv = [
        "nghttpx",
        f"-f{HERE},{place.port}",
        f"-b{HERE},{place.backend}",
        "--workers=1",
        "--conf=/dev/null",
        f"--alpn-list={alpn}",
    ]
    old = [f"--npn-list={alpn}" if word.startswith("--alpn-list") else word for word in argv]
    timeouts = ["--frontend-keep-alive-timeout=1s", "--frontend-http2-read-timeout=1s", "--frontend-read-timeout=1s"]
    return [[*old, *timeouts, place.certificate, place.certificate]]


def lighttpd(place):
    config = place.write(
        "lighttpd.conf",
        f"""
server.modules = ("mod_openssl", "mod_proxy")
server.document-root = "{place.directory}"
server.bind = "{HERE}"
server.port = {place.port}
server.max-keep-alive-idle = 1
server.feature-flags = ("server.h2proto" => "{"enable" if place.h2 else "disable"}")
ssl.engine = "enable"
ssl.pemfile = "{place.certificate}"
proxy.server = ("" => (("host" => "{HERE}", "port" => {place.backend})))
""",
    )
    return [["lighttpd", "-D", "-f", config]]


@dataclasses.dataclass(frozen=True)
class FrontEnd:
    """A server, and how it is used. Envoy is missing, for Debian has none."""

    name: str
    make: object
    program: str
    h2: bool = False
    is_forward: bool = False
    # What has to be there beside the program.
    needs: tuple = ()

    @property
    def title(self):
        return self.name + (", HTTP/2" if self.h2 else "")

    def missing(self):
        paths = [
            name
            for name in (self.program, *self.needs)
            if not shutil.which(name, path="/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")
        ]
        return ", ".join(paths)


FRONT_ENDS = [
    FrontEnd("HAProxy", haproxy, "haproxy"),
    FrontEnd("HAProxy", haproxy, "haproxy", h2=True),
    FrontEnd("nginx", nginx, "nginx"),
    FrontEnd("nginx", nginx, "nginx", h2=True),
    FrontEnd("Apache", apache, "apache2"),
    FrontEnd("Apache", apache, "apache2", h2=True),
    FrontEnd("Caddy", caddy, "caddy"),
    FrontEnd("Caddy", caddy, "caddy", h2=True),
    FrontEnd("Hitch and Varnish", hitch, "hitch", needs=("varnishd", "cc")),
    FrontEnd("Hitch and Varnish", hitch, "hitch", h2=True, needs=("varnishd", "cc")),
    FrontEnd("nghttpx", nghttpx, "nghttpx"),
    FrontEnd("nghttpx", nghttpx, "nghttpx", h2=True),
    FrontEnd("lighttpd", lighttpd, "lighttpd"),
    FrontEnd("lighttpd", lighttpd, "lighttpd", h2=True),
    FrontEnd("stunnel", stunnel, "stunnel4"),
    FrontEnd("Squid as a reverse proxy", squid_reverse, "squid"),
    FrontEnd("Squid as a forward proxy", squid_forward, "squid", is_forward=True, needs=("stunnel4",)),
]
