"""The contract of each public function stands in its header.

Each function is WEIR_API or static inline and has a comment: its own, that of the block of lines it stands in,
or a section's: a heading with a fixed word ("---- flow. Borrows: channel ----"), a comment that begins "All
functions of this section:", or in the file's first comment "All functions:". One that
takes or returns a pointer to an owned type (weir_obj, and whatever has a _release or _free) says with a fixed
word who owns what.
"""
import re

import _lint

WORDS = re.compile(r"\b(Takes|Borrows|Gives|Borrowed|Given|Requires|Fails|Any thread|Until)\b")
SECTION = re.compile(r"All functions( of this section)?:")
FUNCTION = re.compile(r"^(?P<type>[A-Za-z_][\w\s*]*?[\s*])(?P<name>weir_\w+)\((?P<arguments>.*)")
OPENING = re.compile(r"[A-Za-z_].*\(|WEIR_API [^;]*$")  # the name may stand in the next line
OWNED = re.compile(r"\b(weir_\w+)_(?:release|free)\(")
ALWAYS_OWNED = {"weir_obj", "weir_buf", "weir_channel", "weir_promise", "weir_region", "weir_pool"}


def owned_types(root):
    found = set(ALWAYS_OWNED)
    for _, lines in _lint.sources(root, *[m + "/include" for m in _lint.MODULES]):
        for line in _lint.without_macros(lines):
            if line.startswith(("WEIR_API", "static inline")):
                found.update(OWNED.findall(line))
    return found


def declarations(lines):
    """Yields (line number, text of the declaration, comment that covers it)."""
    lines = list(_lint.without_macros(lines))
    text = "\n".join(lines)
    whole = re.match(r"\s*/\*.*?\*/", text, re.S)
    for_file = whole.group(0) if whole and SECTION.search(whole.group(0)) else ""
    section, comment, pending = for_file, "", []
    in_comment = in_body = False
    for number, line in enumerate(lines, 1):
        if in_comment or line.startswith("/*"):
            if not in_comment:
                pending = []
            pending.append(line)
            in_comment = "*/" not in line
            if not in_comment:
                comment = "\n".join(pending)
                if re.match(r"/\* ?-{3,}", comment):
                    section = comment if WORDS.search(comment) else for_file
                    comment = ""
                elif SECTION.search(comment):
                    section = comment
        elif in_body:
            in_body = not line.startswith("}")
        elif not line.strip():
            comment = ""
        elif OPENING.match(line) and not line.startswith(("typedef", "struct ", "enum ")):
            statement, at = line, number
            while not re.search(r"[;{]", statement) and at < len(lines):
                statement += " " + lines[at].strip()
                at += 1
            yield number, statement, comment, section
            in_body = "{" in statement and not statement.rstrip().endswith("}")
        elif re.match(r"(typedef )?(struct|enum|union)\b.*\{$", line):
            in_body = True


def check(root, _build):
    owned = owned_types(root)
    pointer = re.compile(r"\b(" + "|".join(sorted(owned)) + r")\s*\*")
    for path, lines in _lint.sources(root, *[m + "/include" for m in _lint.MODULES]):
        for number, statement, comment, section in declarations(lines):
            match = FUNCTION.match(statement)
            if not match or "=" in match.group("type"):
                continue
            name = match.group("name")
            if not statement.startswith(("WEIR_API", "static inline")):
                yield path, number, f"{name} is neither WEIR_API nor static inline"
            if not comment and not section:
                yield path, number, f"{name} has no comment"
            elif pointer.search(statement.split("{")[0]) and not WORDS.search(comment + section):
                yield path, number, f"{name} does not say who owns what (Takes, Borrows, Gives ...)"


def sample(text):
    return {"buffer/include/weir/buffer/a.h": text}


SAMPLES = [
    ("documented", sample("/* Drops. Takes: buf. */\nWEIR_API void weir_buf_release(weir_buf *buf);\n"), None),
    ("hidden", sample("/* Drops. Takes: buf. */\nvoid weir_buf_release(weir_buf *buf);\n"), "neither WEIR_API"),
    ("bare", sample("/* First. */\n\nWEIR_API int weir_buf_limit(void);\n"), "has no comment"),
    ("no owner", sample("/* Drops. */\nWEIR_API void weir_buf_drop(weir_buf *buf);\n"), "who owns what"),
    ("no owner in an inline", sample("/* Drops. */\nstatic inline void weir_buf_drop(weir_buf *buf) {\n}\n"),
     "who owns what"),
    ("no owner of the result", sample("/* Makes. */\nWEIR_API weir_buf *weir_buf_new(\n    int n);\n"), "who owns what"),
    ("no owner of a name in the next line", sample("/* Makes. */\nWEIR_API WEIR_MUST_USE weir_buf *\nweir_buf_new(int n);\n"),
     "who owns what"),
    ("owned because it has a free", sample("/* Ends. Takes: it. */\nWEIR_API void weir_x_free(weir_x *x);\n"
                                           "\n/* Looks. */\nWEIR_API int weir_x_get(weir_x *x);\n"), "who owns what"),
    ("not owned", sample("/* Looks. */\nWEIR_API int weir_bytes_get(weir_bytes *bytes);\n"), None),
    ("a block of lines", sample("/* Both. Borrows: buf. */\nWEIR_API int weir_buf_a(weir_buf *buf);\n"
                                "WEIR_API int weir_buf_b(weir_buf *buf);\n"), None),
    ("a section", sample("/* ---- a ---- */\n/* All functions of this section: Borrows: buf. */\n\n"
                         "WEIR_API int weir_buf_a(weir_buf *buf);\n"), None),
    ("a heading", sample("/* ---- flow. Borrows: buf ---- */\n\nWEIR_API int weir_buf_a(weir_buf *buf);\n"), None),
    ("a section has an end", sample("/* ---- a ---- */\n/* All functions of this section: Borrows: buf. */\n\n"
                                    "/* ---- b ---- */\n\nWEIR_API int weir_buf_a(weir_buf *buf);\n"), "has no comment"),
    ("a file", sample("/* head\n *\n * All functions: Borrows: buf.\n */\n\nWEIR_API int weir_buf_a(weir_buf *buf);\n"),
     None),
    ("a macro is left alone", sample("#define X(n) \\\n    int weir_buf_##n(weir_buf *buf);\n"), None),
]

if __name__ == "__main__":
    _lint.main(check, SAMPLES)
