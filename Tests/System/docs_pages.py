"""README.md and docs/*.md as data: their fenced blocks, with the comment before each that says how it is tested, their
links, their anchors, and the commands that their text names.

The comment is `<!-- test: ... -->` on the line before the block, and readers do not see it; docs/README.md lists what
may stand in it."""

import pathlib
import re

FENCE = re.compile(r"^```(\S*)\s*$")
NOTE = re.compile(r"^<!-- test: (.+?) -->$")
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)


class Block:
    """One fenced block."""

    def __init__(self, page, line, language, text, note):
        self.page, self.line, self.language, self.text = page, line, language, text
        # What the comment says: {"world": "dead", "expect": "2"}; a word alone stands for itself.
        self.note = dict(word.strip().partition(" ")[::2] for word in note.split(";")) if note else {}

    @property
    def place(self):
        return f"{self.page.name}:{self.line}"

    @property
    def commands(self):
        """The lines that are typed, without comments at their ends."""
        if self.language == "console":
            lines = [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]
        else:
            lines = self.text.splitlines()
        bare = [re.sub(r"(^|\s+)# .*$|^#.*$", "", line).strip() for line in lines]
        return [line for line in bare if line]


class Page:
    """One page."""

    def __init__(self, path, root):
        self.path, self.name = path, str(path.relative_to(root))
        self.text = path.read_text()
        self.blocks, prose = [], []
        lines = iter(enumerate(self.text.splitlines(), 1))
        note = None
        for number, line in lines:
            start = FENCE.match(line)
            if not start:
                found = NOTE.match(line)
                note = found[1] if found else (note if not line.strip() else None)
                prose.append("" if found else line)
                continue
            inside = []
            for _, line in lines:
                if line == "```":
                    break
                inside.append(line)
            else:
                raise AssertionError(f"{self.name}:{number}: the block has no end")
            self.blocks.append(Block(self, number, start[1], "\n".join(inside) + "\n", note))
            prose += ["", ""]
            note = None
        self.prose = "\n".join(prose)

    @property
    def headings(self):
        return [line.lstrip("#").strip() for line in self.prose.splitlines() if re.match(r"#{1,6} ", line)]

    @property
    def anchors(self):
        """The names of its headings, as GitHub makes them."""
        seen = {}
        for heading in self.headings:
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
            slug = re.sub(r"[^\w\- ]", "", text.replace("`", "")).replace(" ", "-")
            count = seen[slug] = seen.get(slug, -1) + 1
            yield f"{slug}-{count}" if count else slug

    @property
    def links(self):
        """Targets of links and pictures; what stands in code is none."""
        text = CODE.sub("", self.prose)
        return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)

    @property
    def code(self):
        """All that stands in code: between backticks, in blocks for a shell."""
        inline = [" ".join(match[1].split()) for match in CODE.findall(self.prose)]
        shell = [line for block in self.blocks if block.language in ("sh", "console") for line in block.commands]
        return inline + shell


def pages(root):
    return [Page(path, root) for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]]


def broken_links(pages, root):
    """Links that lead nowhere: files and anchors; other hosts are not asked."""
    anchors = {page.path.resolve(): set(page.anchors) for page in pages}
    found = []
    for page in pages:
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.path.parent / path).resolve() if path else page.path.resolve()
            if not target.exists() or root not in target.parents:
                found.append(f"{page.name}: {link}: there is no such file")
            elif anchor and anchor not in anchors.get(target, ()):
                found.append(f"{page.name}: {link}: there is no such heading")
    return found


def unknown_options(pages, helps):
    """Commands and options of ours that the text names and the help does not; `helps` has the help of each command."""
    found, count = [], 0
    for page in pages:
        for text in page.code:
            for words in re.findall(r"(?:^|[\s|(])(?:\S*/)?tokenvigil((?: [^\s|;)]+)+)", text):
                words = words.split()
                known = ""
                while words and f"{known} {words[0]}".strip() in helps:
                    known = f"{known} {words.pop(0)}".strip()
                if not known and words and re.fullmatch(r"[a-z]+,?", words[0]):
                    found.append(f"{page.name}: `{text}`: there is no such command")
                for word in words:
                    for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", word):
                        count += 1
                        if not re.search(rf"(?<![\w-]){option}(?![\w-])", helps[known] + " --version --help"):
                            found.append(f"{page.name}: `{text}`: {known or 'tokenvigil'} has no {option}")
    return found, count


CLAIM = re.compile(r"\*([^*]+)\*\s+\(\[test\]\(([^)]+)\)\)")


def unproven_claims(pages):
    """Tests that a page names beside a promise, and that are not there; and how many are named."""
    found, count = [], 0
    for page in pages:
        for name, path in CLAIM.findall(page.prose):
            count += 1
            name = " ".join(name.split())
            target = page.path.parent / path
            if not target.exists() or name not in " ".join(target.read_text().split()):
                found.append(f"{page.name}: no test of {path} is called {name!r}")
    return found, count
