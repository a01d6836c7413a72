"""Everything that a peer may do: ONE table, in parts by what is spoken. To add a behaviour, add a row.

    Row("a name", script)                      nothing may end, nothing may be called dead
    Row("a name", script, "valid")             odd, but right: a token is found valid
    Row("a name", script, "recovers")          a token is found valid in the end
    Row("a name", script, "unclear")           no token may be found valid by it
    Row("a name", script, "whatever")          a lenient reader may even find a refusal in it
    Row("a name", script, secret=False)        and the token must not even be sent
    Row("a name", script, heavy=True)          it floods: few of these at once
    Row("a name", script, parting=True)        whoever is answered so stays away for long, from its whole port

What a script is: wire.py; for HTTP/2, frames.py."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    """One behaviour."""

    name: str
    script: object
    # What is known of a token that is tried against it: "any" but dead; "valid"; "recovers"; "unclear", which is neither; or
    # "whatever", where a lenient reader may take the answer for a refusal.
    state: str = "any"
    # Whether the token may be sent.
    secret: bool = True
    # Whether it sends as much as it can.
    heavy: bool = False
    # Whether it asks to be left alone for longer than the others on the same port can wait for their turn.
    parting: bool = False
    # How its connections begin: with "http" nothing but TCP, with "https" TLS for HTTP/1.1, with "h2" TLS for HTTP/2,
    # with "raw" whatever the script does, asked by https.
    transport: str = "http"
    # What is between: nothing, "http", "https" or "socks", a proxy that plays it; or "dns", a name server that does.
    by: str = ""

    @property
    def title(self):
        return (
            f"{self.by + ' proxy' if self.by in ('http', 'https', 'socks') else self.by or self.transport}: {self.name}"
        )


def over(transport, rows):
    """The same rows, by another transport."""
    return [dataclasses.replace(row, transport=transport) for row in rows]


def rows():
    """The whole table."""
    import rows_dns
    import rows_http1
    import rows_http2
    import rows_proxy
    import rows_tls

    plain = [*rows_http1.ROWS, *rows_http2.UNASKED]
    found = [
        *plain,
        *over("https", plain),
        *over("h2", rows_http2.ROWS),
        *over("raw", rows_tls.ROWS),
        *rows_proxy.ROWS,
        *rows_dns.ROWS,
    ]
    titles = [row.title for row in found]
    twice = {title for title in titles if titles.count(title) > 1}
    assert not twice, f"rows with one name: {twice}"
    return found
