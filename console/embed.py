"""Files as a C array, for sys/console_assets.h: embed.py FILE... >assets.c"""
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def main():
    files = [pathlib.Path(name) for name in sys.argv[1:]]
    rows = []
    print('#include "sys/console_assets.h"\n')
    for number, file in enumerate(files):
        data = file.read_bytes()
        path = "/" if file.name == "index.html" else f"/{file.name}"
        print(f"static const unsigned char file_{number}[] = {{")
        for start in range(0, len(data), 24):
            print("    " + ",".join(str(byte) for byte in data[start : start + 24]) + ",")
        print("};")
        rows.append(f'    {{"{path}", "{TYPES[file.suffix]}", file_{number}, sizeof file_{number}}},')
    print("const struct console_asset console_assets[] = {", *rows, "    {0}};", sep="\n")


if __name__ == "__main__":
    main()
