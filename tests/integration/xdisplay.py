# SPDX-License-Identifier: Apache-2.0
"""A display of its own (Xvfb), driven by xdotool; pictures of it are read from its frame buffer."""
import os
import pathlib
import shutil
import struct
import subprocess
import time
import zlib

MISSING = [program for program in ("Xvfb", "xdotool") if not shutil.which(program)]


class Display:
    def __init__(self, folder, width=1600, height=1000):
        self.folder = pathlib.Path(folder)
        read, write = os.pipe()
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-fbdir", str(folder), "-nolisten", "tcp",
                                        "-noreset"],  # else it starts anew after its last client, and refuses the next one meanwhile
                                       pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.name = ":" + pipe.readline().strip()
        if self.name == ":":
            raise RuntimeError("Xvfb did not start")

    def close(self):
        self.server.terminate()
        self.server.wait(10)

    def do(self, *words):
        return subprocess.run(["xdotool", *map(str, words)], env={**os.environ, "DISPLAY": self.name}, check=True, capture_output=True,
                              text=True, timeout=30).stdout

    def focus(self, title):
        """There is no window manager: the keyboard is given to the window by hand. Small windows are Qt's own helpers."""
        for _ in range(1200):  # a busy machine takes its time
            found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", title], env={**os.environ, "DISPLAY": self.name},
                                   capture_output=True, text=True, timeout=30).stdout.split()
            if found:
                self.do("windowfocus", found[0])
                return found[0]
            time.sleep(0.1)
        raise AssertionError(f"no window named {title}")

    def click(self, x, y, button=1):
        self.do("mousemove", int(x), int(y), "click", button)

    def pixels(self):
        """(width, height, rows of RGB bytes) of the whole screen."""
        data = (self.folder / "Xvfb_screen0").read_bytes()
        head = struct.unpack(">25I", data[:100])
        size, width, height, bits, line, colours = head[0], head[4], head[5], head[11], head[12], head[19]
        assert bits == 32, bits
        start = size + 12 * colours
        rows = []
        for y in range(height):
            row = data[start + y * line:start + y * line + 4 * width]
            rgb = bytearray(3 * width)
            rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
            rows.append(bytes(rgb))
        return width, height, rows

    def picture(self, path):
        """Writes a PNG and returns how many colours it has, which tells a drawn window from an empty one."""
        width, height, rows = self.pixels()

        def chunk(kind, body):
            return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

        body = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
        pathlib.Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                                       chunk(b"IDAT", body) + chunk(b"IEND", b""))
        return len({row[i:i + 3] for row in rows[::3] for i in range(0, 3 * width, 9)})
