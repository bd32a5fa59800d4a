#!/usr/bin/env python3
"""Takes the header that flatc writes apart: compiling all of it costs seconds, and nearly every
source needs only the plain structs.

usage: split_schema_header.py HEADER FOLDER

FOLDER/values.h   the plain structs and enums: what everybody includes
FOLDER/tables.h   packing, verifying and unpacking them: for image/manifest.cc
FOLDER/values.cc  copying and comparing values, compiled once

Every declaration must be of a kind known here; an error tells that another flatc writes otherwise.
"""

import pathlib
import re
import sys

VALUES_H, TABLES_H, VALUES_CC = "values.h", "tables.h", "values.cc"

# Where a declaration goes, by how its first line begins. The first that fits counts.
KINDS = [(re.compile(pattern), file) for pattern, file in (
    (r"struct \w+;", VALUES_H),
    (r"enum class \w+ : \w+ \{", VALUES_H),
    (r"inline const char (\* const )?\*EnumNames?\w+\(", VALUES_H),
    (r"FLATBUFFERS_MANUALLY_ALIGNED_STRUCT\(\d\) \w+ ", VALUES_H),
    (r"FLATBUFFERS_STRUCT_END\(", VALUES_H),
    (r"struct \w+T : public flatbuffers::NativeTable \{", VALUES_H),
    (r"template<.*> struct \w+UnionTraits\b", VALUES_H),
    (r"struct \w+Union \{", VALUES_H),
    (r"bool operator[=!]=\(", VALUES_H),
    (r"inline bool operator[=!]=\(", VALUES_CC),
    (r"inline (\w+)::\1\(const \1 &\w\)", VALUES_CC),
    (r"inline (\w+) &\1::operator=\(", VALUES_CC),
    (r"inline void \w+Union::Reset\(\)", VALUES_CC),
    (r"template<.*> struct \w+Traits\b", TABLES_H),
    (r"struct \w+ FLATBUFFERS_FINAL_CLASS : private flatbuffers::Table \{", TABLES_H),
    (r"struct (\w+Builder|\w+::Traits) \{", TABLES_H),
    (r"(inline )?flatbuffers::Offset<\w+> ", TABLES_H),
    (r"(inline )?bool Verify\w+\(", TABLES_H),
    (r"inline .*(::|\b)(Pack|UnPack|UnPackTo)\(", TABLES_H),
    (r"inline .*\b(EnumValues|Get|Finish|SizePrefixed|UnPack)\w+\)?\(", TABLES_H),
    (r"inline (const char \*|bool )Image\w+\(", TABLES_H),
    (r"template<> inline const [\w:]+ \*\w+::\w+_as<", TABLES_H),
)]

BEGIN = "namespace appshot {\nnamespace image {\n"
END = "}  // namespace image\n}  // namespace appshot\n"

HEADS = {
    VALUES_H: "// The values that an image's manifest is made of.\n#pragma once\n\n"
              '#include "flatbuffers/flatbuffers.h"\n',
    TABLES_H: "// How the values of values.h are packed, verified and unpacked.\n#pragma once\n\n"
              '#include "image/schema/values.h"\n',
    VALUES_CC: "// How the values of values.h are copied and compared.\n"
               '#include "image/schema/values.h"\n',
}


def declarations_of(text):
    """What stands between BEGIN and END, one by one: each ends with a line that begins with a brace
    or, where it has no body, with a semicolon."""
    lines = []
    for line in text.split(BEGIN)[1].split(END)[0].splitlines(keepends=True):
        if not lines and not line.strip():
            continue
        lines.append(line)
        if line.startswith("}") or (line.endswith(";\n") and "{" not in "".join(lines)):
            yield "".join(lines)
            lines = []
    if lines:
        sys.exit(f"a declaration of flatc's that does not end: {lines[0]}")


def file_of(declaration):
    for pattern, file in KINDS:
        if pattern.match(declaration):
            return file
    sys.exit(f"a declaration of flatc's of no known kind: {declaration.splitlines()[0]}")


def split(text):
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit("flatc's header is not one namespace appshot::image")
    parts = {file: [] for file in HEADS}
    for declaration in declarations_of(text):
        file = file_of(declaration)
        if file == VALUES_CC:
            declaration = declaration.removeprefix("inline ")
        parts[file].append(declaration)
    for file, declarations in parts.items():
        yield file, "\n".join([HEADS[file], BEGIN, *declarations, END])


def main():
    header, folder = map(pathlib.Path, sys.argv[1:])
    for file, text in split(header.read_text()):
        (folder / file).write_text(text)


if __name__ == "__main__":
    main()
