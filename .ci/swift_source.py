"""Reads Swift source for the checks: comments and string text become spaces, code and line numbers stay."""

import re


def code(text):
    """The text with comments and literal text blanked; code inside an interpolation is kept."""
    out = []
    _code(text, 0, out, closing=None)
    return "".join(out)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def _code(text, at, out, closing):
    """Copies code from `at` until the `closing` parenthesis (or the end); returns where it stopped."""
    depth = 0
    while at < len(text):
        string = re.compile(r'(#*)("""|")').match(text, at)
        if text.startswith("//", at):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            out.append(_blank(text[at:end]))
            at = end
        elif text.startswith("/*", at):
            end = _comment_end(text, at)
            out.append(_blank(text[at:end]))
            at = end
        elif string:
            at = _string(text, string.end(), out, string.group(1), string.group(2))
        elif text[at] == "`":  # a raw identifier: a name, whatever it looks like
            end = text.find("`", at + 1) + 1 or len(text)
            out.append(text[at:end])
            at = end
        else:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            if closing and depth < 0:
                return at
            out.append(text[at])
            at += 1
    return at


def _comment_end(text, at):
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def _string(text, at, out, hashes, quote):
    """Blanks one literal whose opening quote ended at `at`; returns where it ends."""
    out.append(" " * (len(hashes) + len(quote)))
    close, escape = quote + hashes, "\\" + hashes
    while at < len(text):
        if text.startswith(close, at):
            out.append(" " * len(close))
            return at + len(close)
        if text.startswith(escape + "(", at):
            out.append(" " * len(escape) + "(")
            at = _code(text, at + len(escape) + 1, out, closing=")")
            out.append(text[at : at + 1])
            at += 1
        elif text.startswith(escape, at):
            out.append(_blank(text[at : at + len(escape) + 1]))
            at += len(escape) + 1
        elif text[at] == "\n" and quote == '"':
            return at  # not a string after all; a regular expression literal, say
        else:
            out.append(_blank(text[at]))
            at += 1
    return at


def line_of(text, at):
    return text.count("\n", 0, at) + 1
