"""HTTP/1.1, by TCP and by TLS: status lines, headers, lengths, chunks, bodies, redirects, challenges, connections."""

import gzip
import zlib

from table import Row
from wire import again, ask, deaf, drip, forever, half, hello, hold, rst, slowly

GOOD = b'{"user_id":"u1"}'
DEAD = b'{"error":"dead"}'
JSON = b"Content-Type: application/json\r\n"


def head(line, *headers, json=True):
    """A status line and headers, without the end of the head."""
    return line + b"\r\n" + (JSON if json else b"") + b"".join(header + b"\r\n" for header in headers)


def answer(line, body=b"", *headers, length=None):
    """A whole answer; `length` replaces its Content-Length."""
    value = str(len(body)).encode() if length is None else length
    return head(line, b"Content-Length: " + value, *headers) + b"\r\n" + body


def ok(*headers, body=GOOD, **more):
    return answer(b"HTTP/1.1 200 OK", body, *headers, **more)


def no(*headers, body=DEAD, **more):
    return answer(b"HTTP/1.1 401 Unauthorized", body, *headers, **more)


def chunked(*pieces, line=b"HTTP/1.1 200 OK", headers=()):
    """An answer in chunks whose framing is up to the row."""
    return head(line, b"Transfer-Encoding: chunked", *headers) + b"\r\n" + b"".join(pieces)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST = b"0\r\n\r\n"
REFUSED = b"HTTP/1.1 401 Unauthorized"


def status(text, name=None, state="unclear"):
    """An odd status line with a body that would mean death."""
    line = text.encode("latin-1")
    return Row(f"status line {name or repr(text)}", answer(line, DEAD), state)


STATUS = [
    *(status(f"HTTP/1.1 {code} X") for code in ("000", "099", "001", "-1", "-401", "1000", "4010", "65937", "+401")),
    *(status(f"HTTP/1.1 {code} X") for code in ("abc", "0x191", "40", "4", "4 01", "4\t01", "999", "799", "600")),
    status("HTTP/1.1 401.5 X"),
    status("HTTP/1.1 " + "4" * 400 + " X", "with a status of 400 digits"),
    status("HTTP/1.1 18446744073709552017 X", "with a status of 2^64 + 401"),
    status("HTTP/1.1", "without a status"),
    status("HTTP/1.1 ", "that ends after its blank"),
    status("HTTP/1.1401 X", "without a blank"),
    status("HTTP/2.0 401 X", "of HTTP/2.0 as text", "whatever"),
    status("HTTP/3 401 X", "of HTTP/3 as text", "whatever"),
    status("HTTP/1.10 401 X"),
    status("HTTP/9.9 401 X"),
    status("HTTP/0.9 401 X"),
    status("HTTP/-1.1 401 X"),
    status("HTTP/11 401 X"),
    status("HTTP 401 X"),
    status("HTTP/ 401 X"),
    status("FTP/1.1 401 X"),
    status("RTSP/1.0 401 X"),
    status("ICY 401 X"),
    status("\x00\x00\x00 401 X", "of NUL bytes"),
    status("", "that is empty"),
    status("{}", "of JSON"),
    Row("a status line without a reason", answer(b"HTTP/1.1 200", GOOD), "valid"),
    Row("a status line with a reason of 8-bit bytes", answer(b"HTTP/1.1 200 \xff\xfe\xe4", GOOD)),
    Row("a status line with a NUL in its reason", answer(b"HTTP/1.1 200 O\0K", GOOD)),
    Row("a status line with a reason of a megabyte", [ask, answer(b"HTTP/1.1 200 " + b"a" * 1_000_000, GOOD)]),
    Row("a status line without end", [ask, b"HTTP/1.1 200 ", forever(b"a")], "unclear", heavy=True),
    Row("an answer of HTTP/0.9", [ask, GOOD], "unclear"),
    Row("two status lines", [ask, b"HTTP/1.1 200 OK\r\n" + no()]),
]

INTERIM = [
    Row("100 before the answer", b"HTTP/1.1 100 Continue\r\n\r\n" + ok(), "valid"),
    Row("103 before the answer", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + ok(), "valid"),
    Row("102 a hundred times before the answer", b"HTTP/1.1 102 Processing\r\n\r\n" * 100 + ok()),
    Row("100 and nothing more", [ask, b"HTTP/1.1 100 Continue\r\n\r\n", hold], "unclear"),
    Row("100 and the end", [ask, b"HTTP/1.1 100 Continue\r\n\r\n"], "unclear"),
    Row("100 with a length and a body", b"HTTP/1.1 100 Continue\r\nContent-Length: 16\r\n\r\n" + DEAD + ok()),
    Row("103 forever", [ask, forever(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n")], "unclear", heavy=True),
    Row("100 forever", [ask, forever(b"HTTP/1.1 100 Continue\r\n\r\n")], "unclear", heavy=True),
    Row("100 now and then, forever", [ask, drip(b"HTTP/1.1 100 Continue\r\n\r\n")], "unclear"),
    Row("101 to h2c", [ask, b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + ok()], "unclear"),
    Row("101 to a websocket", [ask, b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n\x81\x05hello", hold], "unclear"),
    Row("101 without a word", [ask, b"HTTP/1.1 101\r\n\r\n", hold], "unclear"),
    Row("199", [ask, b"HTTP/1.1 199 X\r\n\r\n", hold], "unclear"),
    Row("204 with a body", answer(b"HTTP/1.1 204 No Content", DEAD), "unclear"),
    Row("205 with a body", answer(b"HTTP/1.1 205 Reset", GOOD)),
    Row("304 with a body", answer(b"HTTP/1.1 304 Not Modified", DEAD), "unclear"),
    Row("206 of nothing", answer(b"HTTP/1.1 206 Partial", DEAD, b"Content-Range: bytes 0-0/0"), "unclear"),
    Row("304 after a 401", no() + answer(b"HTTP/1.1 304 Not Modified"), "whatever"),
]

GREETING = [
    Row("a mail server's greeting", [b"220 mail.example.com ESMTP\r\n", hold], "unclear"),
    Row("an SSH greeting", [b"SSH-2.0-OpenSSH_9.9\r\n", hold], "unclear"),
    Row("a greeting after a while", [0.5, b"220 mail.example.com ESMTP\r\n", hold], "unclear"),
    Row("a greeting and the end", [b"* OK IMAP4rev1\r\n"], "unclear"),
    Row("a greeting and RST", [b"* OK IMAP4rev1\r\n", rst], "unclear"),
    Row("a greeting and an answer", [b"hello\r\n", ask, ok()], "unclear"),
    Row("a greeting without end", [forever(b"hello\r\n")], "unclear", heavy=True),
    Row("a 400 that was not asked for", [b"HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n"], "unclear"),
    Row("a 401 that was not asked for", [no(b"Connection: close")], "whatever"),
    Row("an answer, then 408 on the idle connection", again([ask, ok(), 0.3, b"HTTP/1.1 408 Timeout\r\n\r\n"]), "any"),
    Row("an answer, then 400 and the end", [ask, ok(), 0.3, b"HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n"], "valid"),
    Row("an answer, then 401 nobody asked for", again([ask, ok(), 0.1, no()]), "any"),
    Row("an answer, then garbage", again([ask, ok() + b"\x00\xff" * 100])),
    Row("an answer with garbage in one piece, and the end", [ask, ok() + b"\x00\xff" * 100]),
    Row("two answers at once", [ask, ok() + ok()]),
    Row("an answer, and another each second", [ask, ok(), drip(ok(), 0.5)]),
    Row("bytes after Connection: close", [ask, ok(b"Connection: close") + b"more" * 1000, hold]),
    Row("bytes without end after Connection: close", [ask, ok(b"Connection: close"), forever(b"x")], heavy=True),
    Row("an answer before the request is complete", [hello, ok(), hold]),
    Row("an answer at once, at the first byte", [lambda c: c.read(1), ok(b"Connection: close"), hold]),
]

HEADERS = [
    Row("a header without end", [ask, b"HTTP/1.1 200 OK\r\nX: ", forever(b"a")], "unclear", heavy=True),
    Row("headers without end", [ask, b"HTTP/1.1 200 OK\r\n", forever(b"X-A: b\r\n")], "unclear", heavy=True),
    Row("a header's name without end", [ask, b"HTTP/1.1 200 OK\r\n", forever(b"x")], "unclear", heavy=True),
    Row("headers now and then, forever", [ask, b"HTTP/1.1 401 No\r\n", drip(b"X-A: b\r\n")], "unclear"),
    Row("a header of a megabyte", [ask, ok(b"X: " + b"a" * 1_000_000)]),
    Row("a header of 64 KiB", ok(b"X: " + b"a" * 65536)),
    Row("a header's name of 64 KiB", ok(b"x" * 65536 + b": 1")),
    Row("ten thousand headers", [ask, ok(*[b"X-%d: 1" % number for number in range(10_000)])]),
    Row("a header without a colon", ok(b"nonsense")),
    Row("a blank before the colon", ok(b"X-A : 1")),
    Row("a header without a name", ok(b": 1")),
    Row("a header of blanks", ok(b"   ")),
    Row("a NUL in a header's value", ok(b"X-A: a\0b")),
    Row("a NUL in a header's name", ok(b"X\0A: 1")),
    Row("control characters in a header", ok(b"X-A: \x01\x1b[2J\x7f")),
    Row("8-bit bytes in a header", ok(b"X-A: \xff\xfe\xe4\xf6")),
    Row("a folded header", ok(b"X-A: one\r\n two")),
    Row("a folded first header", b"HTTP/1.1 200 OK\r\n two\r\n" + ok()[17:]),
    Row("a header folded a thousand times", ok(b"X-A: one" + b"\r\n two" * 1000)),
    Row("line ends of LF alone", ok().replace(b"\r\n", b"\n")),
    Row("line ends of CR alone", [ask, no().replace(b"\r\n", b"\r"), hold], "unclear"),
    Row("a bare CR in a header", ok(b"X-A: a\rb")),
    Row("a head that does not end", [ask, head(REFUSED), hold], "unclear"),
    Row("a head that is cut off", [ask, head(REFUSED, b"Content-Le")[:-2]], "unclear"),
    Row("CR LF a thousand times before the answer", [ask, b"\r\n" * 1000 + ok()]),
    Row("a cookie ten thousand times", [ask, ok(*[b"Set-Cookie: a%d=b" % number for number in range(10_000)])]),
    Row("a cookie for everything", ok(b"Set-Cookie: a=b; Domain=.; Path=/; Max-Age=99999999999999999999")),
    Row("Alt-Svc to somewhere else", lambda c: c.play(ok(b'Alt-Svc: h2=":%d"; ma=86400' % c.elsewhere)), "valid"),
    Row("HSTS", ok(b"Strict-Transport-Security: max-age=99999999999; includeSubDomains"), "valid"),
    Row("Retry-After of 20 digits", answer(b"HTTP/1.1 429 Slow", DEAD, b"Retry-After: 99999999999999999999"), "unclear", parting=True),
    Row("Retry-After that is negative", answer(b"HTTP/1.1 503 No", DEAD, b"Retry-After: -99999999999"), "unclear"),
    Row("Retry-After in the year 9999", answer(b"HTTP/1.1 503 No", DEAD, b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"), "unclear", parting=True),
    Row("Date that is no date", ok(b"Date: Foo, 99 Bar 99999 99:99:99 GMT"), "valid"),
    Row("Date in the year 0", ok(b"Date: Sat, 01 Jan 0000 00:00:00 GMT"), "valid"),
]

LENGTHS = [
    Row("a length that is too large, and the end", [ask, no(length=b"100")], "unclear"),
    Row("a length that is too large, and silence", [ask, no(length=b"100"), hold], "unclear"),
    Row("a length that is too large, and RST", [ask, no(length=b"100"), 0.1, rst], "unclear"),
    Row("a length that is too small", [ask, ok(length=b"4")]),
    Row("a length of 0 with a body", [ask, no(length=b"0")], "unclear"),
    Row("a negative length", [ask, no(length=b"-16")], "unclear"),
    Row("a negative length, and silence", [ask, no(length=b"-1"), hold], "unclear"),
    Row("a length with a plus", [ask, ok(length=b"+16")]),
    Row("a length in hex", [ask, ok(length=b"0x10")]),
    Row("a length with a dot", [ask, ok(length=b"16.0")]),
    Row("a length that is a word", [ask, ok(length=b"sixteen")]),
    Row("an empty length", [ask, ok(length=b"")]),
    Row("a length with a NUL", [ask, ok(length=b"16\0")]),
    Row("a length of 2^63", [ask, no(length=b"9223372036854775808")]),
    Row("a length of 2^63 - 1", [ask, no(length=b"9223372036854775807"), hold], "unclear"),
    Row("a length of 2^64 + 16", [ask, no(length=b"18446744073709551632")]),
    Row("a length of 400 digits", [ask, no(length=b"9" * 400)]),
    Row("two equal lengths", ok(b"Content-Length: 16")),
    Row("two different lengths", [ask, no(b"Content-Length: 4")]),
    Row("two lengths in one line", [ask, ok(length=b"16, 16")]),
    Row("two different lengths in one line", [ask, ok(length=b"16, 4")]),
    Row("a length and chunks", [ask, chunked(chunk(GOOD), LAST, headers=[b"Content-Length: 4"])]),
    Row("chunks that are none, with a length", [ask, no(b"Transfer-Encoding: chunked")], "unclear"),
    Row("no length, and the end", [ask, head(b"HTTP/1.1 200 OK") + b"\r\n" + GOOD], "valid"),
    Row("no length, and RST", [ask, head(REFUSED) + b"\r\n" + DEAD, 0.1, rst], "unclear"),
    Row("no length, and silence", [ask, head(REFUSED) + b"\r\n" + DEAD, hold], "unclear"),
]

CHUNKS = [
    Row("chunks", chunked(chunk(GOOD[:5]), chunk(GOOD[5:]), LAST), "valid"),
    Row("chunks of one byte", chunked(*[chunk(GOOD[at : at + 1]) for at in range(len(GOOD))], LAST), "valid"),
    Row("a chunk without end", [ask, chunked(b"ffffff\r\n", line=REFUSED), forever(b" ")], "unclear", heavy=True),
    Row("chunks without end", [ask, chunked(line=REFUSED), forever(chunk(b" " * 100))], "unclear", heavy=True),
    Row("chunks of a byte without end", [ask, chunked(line=REFUSED), forever(chunk(b" "))], "unclear", heavy=True),
    Row("a chunk of 2^64 - 1", [ask, chunked(b"ffffffffffffffff\r\n", DEAD, line=REFUSED), hold], "unclear"),
    Row("a chunk of 2^63", [ask, chunked(b"8000000000000000\r\n", DEAD, line=REFUSED), hold], "unclear"),
    Row("a chunk of 2^64 + 16", [ask, chunked(b"10000000000000010\r\n", DEAD, b"\r\n", LAST, line=REFUSED)], "unclear"),
    Row("a chunk size of 10,000 digits", [ask, chunked(b"0" * 10_000, b"10\r\n", GOOD, b"\r\n", LAST)]),
    Row("a chunk size without end", [ask, chunked(line=REFUSED), forever(b"0")], "unclear", heavy=True),
    Row("a chunk size that is no number", [ask, chunked(b"zz\r\n", DEAD, b"\r\n", LAST, line=REFUSED)], "unclear"),
    Row("a negative chunk size", [ask, chunked(b"-10\r\n", DEAD, b"\r\n", LAST, line=REFUSED)], "unclear"),
    Row("an empty chunk size", [ask, chunked(b"\r\n", DEAD, b"\r\n", LAST, line=REFUSED)], "unclear"),
    Row("a chunk size with blanks", [ask, chunked(b"  10  \r\n", GOOD, b"\r\n", LAST)]),
    Row("a chunk extension of 64 KiB", [ask, chunked(b"10;" + b"a" * 65536 + b"\r\n", GOOD, b"\r\n", LAST)]),
    Row("a chunk extension without end", [ask, chunked(b"10;", line=REFUSED), forever(b"a")], "unclear", heavy=True),
    Row("a chunk longer than it says", [ask, chunked(b"4\r\n", DEAD, b"\r\n", LAST, line=REFUSED)], "unclear"),
    Row("a chunk shorter than it says", [ask, chunked(b"40\r\n", DEAD, b"\r\n", LAST, line=REFUSED)], "unclear"),
    Row("chunks without the last", [ask, chunked(chunk(DEAD), line=REFUSED)], "unclear"),
    Row("chunks without the last, and silence", [ask, chunked(chunk(DEAD), line=REFUSED), hold], "unclear"),
    Row("a last chunk that is cut off", [ask, chunked(chunk(DEAD), b"0\r\n", line=REFUSED)], "unclear"),
    Row("trailers", chunked(chunk(GOOD), b"0\r\nX-Trailer: 1\r\n\r\n"), "valid"),
    Row("trailers without end", [ask, chunked(chunk(DEAD), b"0\r\n", line=REFUSED), forever(b"X: y\r\n")], "unclear", heavy=True),
    Row("a trailer without end", [ask, chunked(chunk(DEAD), b"0\r\nX: ", line=REFUSED), forever(b"y")], "unclear", heavy=True),
    Row("a trailer of a megabyte", [ask, chunked(chunk(GOOD), b"0\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n")]),
    Row("trailers that look like a head", [ask, chunked(chunk(GOOD), b"0\r\n", no())]),
    Row("trailers with a length and a status", chunked(chunk(GOOD), b"0\r\nContent-Length: 4\r\n:status: 401\r\n\r\n")),
    Row("chunked twice", [ask, chunked(chunk(chunk(DEAD) + LAST), LAST, line=REFUSED, headers=[b"Transfer-Encoding: chunked"])]),
    Row("chunked, and then gzip", [ask, head(REFUSED, b"Transfer-Encoding: chunked, gzip") + b"\r\n" + DEAD], "whatever"),
    Row("a transfer encoding nobody knows", [ask, head(REFUSED, b"Transfer-Encoding: x-nobody") + b"\r\n" + DEAD], "whatever"),
    Row("chunks in HTTP/1.0", [ask, chunked(chunk(GOOD), LAST, line=b"HTTP/1.0 200 OK")]),
]

BOMB = gzip.compress(b" " * 100_000_000, 9)
DEEP = b"[" * 1_000_000


def encoded(name, body, state="unclear"):
    return [ask, answer(REFUSED, body, b"Content-Encoding: " + name)], state


def marked(letter="a", count=31_000):
    """A letter with more marks than any language has, in an order that must be changed to compare them."""
    return (letter + "".join(chr(0x300 + number * 7 % 70) for number in range(count))).encode()


BODIES = [
    Row("a key with 31,000 combining marks", ok(body=b'{"user_id":"u1","' + marked() + b'":1}')),
    Row("a message with 31,000 combining marks", answer(b"HTTP/1.1 500 No", b'{"message":"' + marked() + b'"}')),
    Row("a header with 20,000 combining marks", ok(b"X-Marks: " + marked(count=20_000))),
    Row("JSON 120 deep, with what is nearly hexadecimal", ok(body=b"[" * 120 + b'"' + b"0123456789abcde z" * 3600 + b'"' + b"]" * 120)),
    Row("a body without end", [ask, head(REFUSED) + b"\r\n", forever(b" ")], "unclear", heavy=True),
    Row("a body without end, with a length", [ask, head(REFUSED, b"Content-Length: 999999999999") + b"\r\n", forever(b" ")], "unclear", heavy=True),
    Row("a body now and then, forever", [ask, head(REFUSED) + b"\r\n", drip(b" ")], "unclear"),
    Row("an answer byte by byte", [ask, slowly(ok())], "valid"),
    Row("an answer a byte each 200 ms", [ask, slowly(no(), 1, 0.2)], "unclear"),
    Row("a gzip bomb that nobody asked for", *encoded(b"gzip", BOMB)),
    Row("gzip that is cut off", *encoded(b"gzip", gzip.compress(DEAD)[:-9])),
    Row("gzip that is none", *encoded(b"gzip", b"\x1f\x8b\x08" + b"\xff" * 1000)),
    Row("deflate that nobody asked for", *encoded(b"deflate", zlib.compress(b"<p>"))),
    Row("deflate that is none", *encoded(b"deflate", b"\xff" * 1000)),
    Row("brotli that is none", *encoded(b"br", b"\xff" * 1000)),
    Row("zstd that is none", *encoded(b"zstd", b"\x28\xb5\x2f\xfd" + b"\xff" * 1000)),
    Row("a hundred encodings", *encoded(b", ".join([b"gzip"] * 100), b"\x1f\x8b" * 100)),
    Row("JSON a million deep", [ask, answer(REFUSED, DEEP)], "unclear"),
    Row("JSON a hundred thousand deep, whole", [ask, answer(REFUSED, b"[" * 100_000 + b"]" * 100_000)], "unclear"),
    Row("JSON with a number of a million digits", [ask, answer(REFUSED, b'{"error":' + b"9" * 1_000_000 + b"}")], "unclear"),
    Row("JSON with the exponent of a number without sense", answer(REFUSED, b'{"error":1e99999999999999999999}'), "unclear"),
    Row("JSON with fifty thousand equal keys", [ask, answer(REFUSED, b"{" + b",".join([b'"e":1'] * 50_000) + b"}")], "unclear"),
    Row("JSON with half a surrogate", ok(body=b'{"user_id":"\\ud800"}')),
    Row("JSON with a NUL in a string", ok(body=b'{"user_id":"a\\u0000b"}')),
    Row("JSON in UTF-16", answer(REFUSED, DEAD.decode().encode("utf-16")), "unclear"),
    Row("JSON with a byte order mark", ok(body=b"\xef\xbb\xbf" + GOOD)),
    Row("JSON that is no UTF-8", answer(REFUSED, b'{"error":"\xff\xfe"}'), "unclear"),
    Row("JSON that does not end", answer(REFUSED, b'{"error":"de'), "unclear"),
    Row("ten megabytes of NUL", [ask, answer(REFUSED, b"\0" * 10_000_000)], "unclear"),
    Row("a login page with 200", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<html>log in", "unclear"),
    Row("nothing with 200", ok(body=b""), "unclear"),
    Row("an identity that clears a terminal", ok(body=b'{"user_id":"\\u001b[2J\\u009b\\u202e<script>"}')),
    Row("an identity of 500 kB", [ask, ok(body=b'{"user_id":"' + b"u" * 500_000 + b'"}')]),
]


def redirect(code, name, location):
    """A redirect: followed nowhere. In `location`, %PORT% is a listener that must not be asked."""

    def play(connection):
        port = str(connection.elsewhere).encode()
        connection.play(answer(b"HTTP/1.1 %d Moved" % code, DEAD, b"Location: " + location.replace(b"%PORT%", port)))

    return Row(f"{code} to {name}", play, "unclear")


ELSEWHERE = b"http://127.0.0.1:%PORT%/api/x"
REDIRECTS = [
    *(redirect(code, "another host", ELSEWHERE) for code in (300, 301, 302, 303, 305, 307, 308)),
    redirect(302, "itself", b"/x"),
    redirect(302, "a file", b"file:///etc/passwd"),
    redirect(302, "gopher", b"gopher://127.0.0.1:%PORT%/_x"),
    redirect(302, "dict", b"dict://127.0.0.1:%PORT%/x"),
    redirect(302, "ftp", b"ftp://127.0.0.1:%PORT%/x"),
    redirect(302, "a login in an address", b"http://a:b@127.0.0.1:%PORT%/"),
    redirect(302, "an address without a scheme", b"//127.0.0.1:%PORT%/"),
    redirect(302, "nothing", b""),
    redirect(302, "two megabytes", b"/" + b"a" * 2_000_000),
    redirect(302, "control characters", b"http://127.0.0.1:%PORT%/\x01\x1b\r X: y"),
    Row("302 without a Location", answer(b"HTTP/1.1 302 Found", DEAD), "unclear"),
    Row("Refresh", lambda c: c.play(ok(b"Refresh: 0; url=http://127.0.0.1:%d/" % c.elsewhere)), "valid"),
]

PAGE = b'{"error":"who are you"}'
CHALLENGES = [
    *(
        Row(f"a challenge for {name}, forever", no(b"WWW-Authenticate: " + value, body=PAGE), "unclear")
        for name, value in {
            "Basic": b'Basic realm="x"', "Digest": b'Digest realm="x", nonce="y", qop="auth"', "Negotiate": b"Negotiate",
            "NTLM": b"NTLM TlRMTVNTUAACAAAA", "garbage": b'"=,=,"', "Bearer": b'Bearer error="what"',
        }.items()
    ),
    Row("a thousand challenges", [ask, no(*[b'WWW-Authenticate: Basic realm="%d"' % n for n in range(1000)], body=PAGE)]),
    Row("a challenge of 200 kB", [ask, no(b"WWW-Authenticate: Bearer " + b'a="b",' * 33_000, body=PAGE)]),
    Row("407 from the server itself", answer(b"HTTP/1.1 407 X", DEAD, b'Proxy-Authenticate: Basic realm="x"'), "unclear"),
    Row("417", answer(b"HTTP/1.1 417 X", DEAD), "unclear"),
    Row("426 to HTTP/2", answer(b"HTTP/1.1 426 X", DEAD, b"Upgrade: h2", b"Connection: upgrade"), "unclear"),
    Row("421", answer(b"HTTP/1.1 421 Misdirected", DEAD), "unclear"),
    Row("425", answer(b"HTTP/1.1 425 Too Early", DEAD), "unclear"),
    Row("511", answer(b"HTTP/1.1 511 Login", DEAD), "unclear"),
]


def silent_once(connection):
    """The first connection falls silent after an answer; every other one is well."""
    if connection.record["connections"] > 1:
        connection.play(ok())
    connection.play([ask, ok(), ask, hold])


CONNECTIONS = [
    Row("a connection that falls silent, while new ones are well", silent_once, "recovers"),
    Row("RST at once", [rst], "unclear"),
    Row("RST after the request", [ask, rst], "unclear"),
    Row("RST amid the status line", [ask, b"HTTP/1.1 40", 0.1, rst], "unclear"),
    Row("RST amid the head", [ask, head(REFUSED), 0.1, rst], "unclear"),
    Row("RST amid the body", [ask, no()[:-4], 0.1, rst], "unclear"),
    Row("RST right after the answer", [ask, ok(), 0.2, rst]),
    Row("the end at once", [], "unclear"),
    Row("the end after the request", [ask], "unclear"),
    Row("the end amid the status line", [ask, b"HTTP/1.1 40"], "unclear"),
    Row("the end amid the body", [ask, no()[:-4]], "unclear"),
    Row("silence at once", [deaf], "unclear"),
    Row("silence after the request", [ask, hold], "unclear"),
    Row("silence amid the status line", [ask, b"HTTP/1.1 40", hold], "unclear"),
    Row("silence amid the body", [ask, no()[:-4], hold], "unclear"),
    Row("half an end at once, then an answer", [half, ask, hold], "unclear"),
    Row("half an end after the answer", [ask, ok(), half, hold]),
    Row("half an end after half an answer", [ask, no()[:-4], half, hold], "unclear"),
    Row("an answer and the end, without a word of it", [ask, ok()], "valid"),
    Row("an answer and the end, the second time nothing", [ask, ok(), ask], "any"),
    Row("an answer, then the end a moment after the next request", [ask, ok(), ask, 0.05, rst], "any"),
    Row("Connection: close that stays", again([ask, ok(b"Connection: close"), 0.1])),
    Row("Connection: keep-alive in HTTP/1.0", again([ask, answer(b"HTTP/1.0 200 OK", GOOD, b"Connection: keep-alive")]), "valid"),
    Row("Connection: of everything", ok(b"Connection: close, keep-alive, upgrade, TE, Content-Length, , ,")),
    Row("Connection: of 64 KiB", ok(b"Connection: " + b"a," * 32_768)),
    Row("Keep-Alive: timeout=0", ok(b"Connection: keep-alive", b"Keep-Alive: timeout=0, max=0"), "valid"),
    Row("Keep-Alive: without sense", ok(b"Keep-Alive: timeout=-9999999999999999999999, max=x")),
    Row("Proxy-Connection", ok(b"Proxy-Connection: keep-alive"), "valid"),
]

ROWS = [*STATUS, *INTERIM, *GREETING, *HEADERS, *LENGTHS, *CHUNKS, *BODIES, *REDIRECTS, *CHALLENGES, *CONNECTIONS]
