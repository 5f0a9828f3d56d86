#!/usr/bin/env python3
"""doxygen_filter.py HEADER - the header as Doxygen wants it; the headers themselves keep plain comments.

What a comment covers, as the lint rule `headers` has it: the declarations below it up to the next blank line; the
comment of a struct or enum also its members; a section's ("All functions of this section:") or the file's ("All
functions:") the functions without one of their own; the file's first comment the type it is named for, and whatever it
names. A struct or enum in which every member has a comment needs none above. Lines stay where they are, so that
warnings name the right ones.
"""
import pathlib
import re
import sys

SECTION = re.compile(r"All functions( of this section)?:")
HEADING = re.compile(r"/\* ?-{3,}")
MACRO_CALL = re.compile(r"^WEIR_[A-Z_]+(\(.*\))?;?$")
BODY = re.compile(r"^(typedef )?(struct|enum|union)\b[^;]*\{$")
TITLE = re.compile(r"^/\* (<\S+> - )?")
TYPES = {"typedef", "struct", "enum", "union", "static", "inline", "const", "void", "extern", "bool", "int", "char",
         "size_t", "double", "WEIR_API", "WEIR_MUST_USE", "weir_status"}
SEVERAL = re.compile(r"^\s*([A-Za-z_][\w ]*?) (\**\w+(?:\[\w+\])?(?:, \**\w+(?:\[\w+\])?)+);$")
MEMBER = re.compile(r"^\s*(?!\}|#|/\*|\*)\S.*$")


def escape(line):
    """Text is no markup, except that what is indented further is a picture, which Doxygen shows as it is."""
    if re.match(r"\s*\*? {4,}", line):
        return line
    return re.sub(r"([\\@<>#%&])", r"\\\1", line)


def plain(comment):
    """The words of a comment, on one line."""
    return " ".join(re.sub(r"^\s*(/\*+|\*/|\*)\s?|\*/", "", line).strip() for line in comment).strip()


def as_doc(lines, opening):
    """The same lines with another opening."""
    return [re.sub(r"^(\s*)/\*", rf"\1{opening}", escape(lines[0]), count=1), *map(escape, lines[1:])]


class Header:
    def __init__(self, path):
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.noun = "weir_" + path.stem
        self.undefined = set(re.findall(r"^#undef (\w+)", "\n".join(self.lines), re.M))
        self.out = []
        self.types = {}  # comments of the opaque types, for the structs that follow
        self.file = self.section = self.above = self.body = ""
        self.fresh = False  # the comment above was written as one line ago: it is there already

    def comment_at(self, at):
        end = at
        while "*/" not in self.lines[end]:
            end += 1
        return self.lines[at:end + 1]

    def take_comment(self, at):
        comment = self.comment_at(at)
        text, after = plain(comment), at + len(comment)
        attached = after < len(self.lines) and self.lines[after].strip() != ""
        if at == 0:
            self.file = text
            self.section = text if SECTION.search(text) else ""
            self.out += as_doc([TITLE.sub("/* ", comment[0]), *comment[1:-1]], "/**")
            self.out.append("@file */")
        elif HEADING.match(comment[0].strip()):
            self.section = text if re.search(r"\b(Takes|Borrows|Gives|Any thread)\b", text) else self.file_section()
            self.out += comment
        elif SECTION.search(text) and not attached:
            self.section = text
            self.out += comment
        elif attached:
            self.above, self.fresh = text, True
            self.out += as_doc(comment, "/**")
        else:
            self.out += comment
        return after

    def file_section(self):
        return self.file if SECTION.search(self.file) else ""

    def file_comment_if_named(self, line):
        """The file's first comment, if it speaks of one of the names that stand in the line."""
        names = re.findall(r"\b(\w+)\b", re.sub(r"^# *define (\w+).*", r"\1", line))
        named = any(n == self.noun or re.search(rf"\b{n}\b", self.file) for n in names if n not in TYPES)
        return re.sub(r"(?<=\.) .*", "", re.sub(r"^<\S+> - ", "", self.file)) if named else ""

    def covered(self, line, *comments):
        """The line, behind the first comment there is, unless that has just been written above it."""
        text = next((c for c in comments if c), "")
        fresh, self.fresh = self.fresh, False
        return line if fresh or not text else f"/** {escape(text)} */ {line}"

    @staticmethod
    def each_covered(line, comment):
        """`type a, b;` as two declarations: Doxygen gives a comment to the first only."""
        match = SEVERAL.match(line.rstrip())
        doc = f"/** {escape(comment)} */ " if comment else ""
        return " ".join(f"{doc}{match.group(1)} {name.strip()};" for name in match.group(2).split(","))

    def comment_of_body(self, at):
        """What covers the struct or enum that begins here."""
        name = re.match(r"(?:typedef )?\w+ ?(\w*)", self.lines[at]).group(1)
        if self.above or self.types.get(name):
            return self.above or self.types[name]
        end = next(i for i in range(at, len(self.lines)) if self.lines[i].startswith("}"))
        inside = "\n".join(self.lines[at + 1:end])
        bare = re.sub(r"[ \t]*/\*.*?\*/\n[^\n]*|[^\n]*/\*.*?\*/", "", inside, flags=re.S)
        return self.file_comment_if_named(self.lines[at]) or ("" if bare.strip() else "As its members say.")

    def take_members(self, at):
        """The inside of a struct or enum, from the line behind its brace."""
        while not self.lines[at].startswith("}"):
            line = self.lines[at]
            if line.lstrip().startswith("/*"):
                at = self.take_comment(at)
                continue
            if not line.strip():
                self.above = ""
                self.out.append(line)
            elif "/*" in line:
                at = self.take_trailing(at)
                continue
            elif line.startswith("#define"):
                at = self.take_macro(at)
                continue
            elif SEVERAL.match(line):
                self.out.append(self.each_covered(line, self.above or self.body))
                self.fresh = False
            elif re.match(r"\s+\} \w+;", line):
                self.out.append(f"{line} /**< {escape(self.body)} */")
            elif MEMBER.match(line) and re.search(r"[;,]\s*$|^\s*\w+( = .*)?$", line):
                self.out.append(self.covered(line, self.above, self.body))
            else:
                self.out.append(line)
            at += 1
        self.out.append(self.lines[at])
        self.above, self.fresh = "", False
        return at + 1

    def take_trailing(self, at):
        comment = self.comment_at(at)
        code, first = comment[0].split("/*", 1)
        self.fresh = False
        if SEVERAL.match(code.rstrip()):
            self.out += [self.each_covered(code, plain(["/*" + first, *comment[1:]])), *("" for _ in comment[1:])]
        else:
            self.out += [code + "/**<" + escape(first), *map(escape, comment[1:])]
        return at + len(comment)

    def take_function(self, at):
        """A declaration, or an inline function whose body ends with a brace at the margin."""
        self.out.append(self.covered(self.lines[at], self.above, self.section,
                                     self.file_comment_if_named(self.lines[at])))
        while not re.search(r"[;{]\s*(/\*.*)?$|\}$", self.lines[at]):
            at += 1
            self.out.append(self.lines[at])
        if self.lines[at].rstrip().endswith("{"):
            while not self.lines[at].startswith("}"):
                at += 1
                self.out.append(self.lines[at])
        return at + 1

    def take_macro(self, at):
        """A definition with its continuations; guards and helpers that are undefined again are left out."""
        name = re.match(r"# *define (\w+)", self.lines[at]).group(1)
        hidden = name in self.undefined or name.startswith("WEIR_") and name.endswith("_H")
        if not hidden:
            self.out.append(self.covered(self.lines[at], self.above, self.file_comment_if_named(self.lines[at])))
        else:
            self.out.append("")
        while self.lines[at].endswith("\\"):
            at += 1
            self.out.append("" if hidden else self.lines[at])
        return at + 1

    def take_line(self, at):
        line = self.lines[at]
        if line.startswith("/*"):
            return self.take_comment(at)
        if BODY.match(line):
            self.body = self.comment_of_body(at)
            self.out.append(self.covered(line, self.body))
            return self.take_members(at + 1)
        if line.startswith("#"):
            if re.match(r"# *define ", line):
                return self.take_macro(at)
            self.out.append(line)
        elif not line.strip():
            self.above, self.fresh = "", False
            self.out.append(line)
        elif MACRO_CALL.match(line):
            self.out.append("")
        elif line.startswith(("typedef", "struct", "union")):
            self.types[line.rstrip(";").split(" ")[-1]] = self.above
            self.out.append(self.covered(line, self.above, self.file_comment_if_named(line)))
        elif re.match(r"[A-Za-z_]", line):
            return self.take_function(at)
        else:
            self.out.append(line)
        return at + 1

    def filtered(self):
        at = 0
        while at < len(self.lines):
            at = self.take_line(at)
        return self.out


if __name__ == "__main__":
    header = pathlib.Path(sys.argv[1])
    print("\n".join(Header(header).filtered() if header.suffix == ".h" else header.read_text().splitlines()))
