"""Certificates: one authority that is trusted, and what a server may show instead of a good one. Each is one PEM file with
the key in it."""

import pathlib
import subprocess

NAMES = "DNS:localhost,IP:127.0.0.1,DNS:api.invalid,DNS:hook.invalid,DNS:beat.invalid"
SERVER = f"subjectAltName={NAMES}\nextendedKeyUsage=serverAuth\n"
ROWS = {
    # name: (subject, extensions, who signs, days that it is good for; None is a year long ago)
    "good": ("/CN=localhost", SERVER, "ca", 2),
    "rsa": ("/CN=localhost", SERVER, "ca", 2),
    "expired": ("/CN=localhost", SERVER, "ca", None),
    "other": ("/CN=other.example.com", "subjectAltName=DNS:other.example.com\n", "ca", 2),
    "common-name": ("/CN=localhost", "basicConstraints=CA:FALSE\n", "ca", 2),
    "self-signed": ("/CN=localhost", SERVER, None, 2),
    "stranger": ("/CN=localhost", SERVER, "other-ca", 2),
    "grandchild": ("/CN=localhost", SERVER, "good", 2),
    "star": ("/CN=*", "subjectAltName=DNS:*,DNS:*.*\n", "ca", 2),
    "client": ("/CN=localhost", f"subjectAltName={NAMES}\nextendedKeyUsage=clientAuth\n", "ca", 2),
    "names": (
        "/CN=localhost",
        "subjectAltName=" + ",".join([*(f"DNS:n{n}.test" for n in range(1000)), NAMES]) + "\n",
        "ca",
        2,
    ),
    "nul": ("/CN=localhost", "subjectAltName=DER:30:0d:82:0b:6c:6f:63:61:6c:68:6f:73:74:00:78\n", "ca", 2),
}


def openssl(*words, text=None):
    subprocess.run(["openssl", *map(str, words)], input=text, text=True, check=True, capture_output=True)


def authority(directory, name):
    path, key = directory / f"{name}.crt", directory / f"{name}.key"
    options = ["-subj", f"/CN={name} of a test", "-days", 2, "-addext", "keyUsage=critical,keyCertSign"]
    openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        key,
        "-out",
        path,
        *options,
    )
    (directory / f"{name}.pem").write_text(path.read_text() + key.read_text())


def certificate(directory, name, subject, extensions, signer, days):
    key, request, path, more = (directory / f"{name}.{kind}" for kind in ("key", "csr", "crt", "ext"))
    more.write_text(extensions)
    # What RSA signs alone, as the old ciphers do, takes a key of RSA.
    kind = ["rsa:2048"] if name == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl(
        "req",
        "-new",
        "-newkey",
        *kind,
        "-nodes",
        "-keyout",
        key,
        "-out",
        request,
        "-subj",
        subject,
    )
    if days is None:
        return long_ago(directory, name)
    signed = (
        ["-signkey", key]
        if signer is None
        else ["-CA", directory / f"{signer}.crt", "-CAkey", directory / f"{signer}.key", "-CAcreateserial"]
    )
    openssl("x509", "-req", "-in", request, "-out", path, "-days", days, "-extfile", more, *signed)
    chain = path.read_text() + ((directory / "good.crt").read_text() if signer == "good" else "")
    (directory / f"{name}.pem").write_text(chain + key.read_text())


def long_ago(directory, name):
    """The same, for a year that is over: only the command `ca` can be told a day."""
    (directory / "index").touch()
    lines = [
        "[ca]",
        f"database={directory}/index",
        f"new_certs_dir={directory}",
        "default_md=sha256",
        "rand_serial=yes",
        "policy=p",
        "[p]",
        "commonName=supplied",
    ]
    settings = directory / "ca.cnf"
    settings.write_text("\n".join(["default_ca=ca", *lines]))
    path = directory / f"{name}.crt"
    signer = ["-cert", directory / "ca.crt", "-keyfile", directory / "ca.key", "-notext", "-batch"]
    dates = ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"]
    openssl(
        "ca",
        "-config",
        settings,
        "-in",
        directory / f"{name}.csr",
        "-out",
        path,
        "-extfile",
        directory / f"{name}.ext",
        *signer,
        *dates,
    )
    (directory / f"{name}.pem").write_text(path.read_text() + (directory / f"{name}.key").read_text())


def make(directory):
    """All of them, in a directory; the authority that is trusted is `ca.crt`."""
    directory = pathlib.Path(directory)
    directory.mkdir()
    for name in ("ca", "other-ca"):
        authority(directory, name)
    for name, row in ROWS.items():
        certificate(directory, name, *row)
    # The largest group that a standard names (RFC 3526): a handshake in it costs a client a tenth of a second.
    openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:modp_8192", "-out", directory / "dh.pem")
    return directory
