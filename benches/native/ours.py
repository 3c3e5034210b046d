"""Headwater as its command line runs it, and the server behind its head."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
MODEL = Path(os.environ.get("HEADWATER_MODEL") or ROOT / "models" / "isnet.safetensors")
COMMAND = Path(os.environ.get("HEADWATER_SERVER") or ROOT / "target" / "debug" / "headwater")
HEADER_LENGTH = "Inference-Header-Content-Length"


def headwater(*words):
    return subprocess.run([COMMAND, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True).stdout


def export(folder, size, split, part="body"):
    """The path of a part as ONNX."""
    what = ["--model", MODEL, "--split", split, "--part", part, "--size", size]
    return Path(headwater("export", *what, "-o", folder).strip()) / "1" / "model.onnx"


def segment(folder, size, runs, split, server):
    """Cuts `folder`'s picture.png out `runs` times in one session: the reports, and the last mask's bytes."""
    mask = folder / "mask.png"
    posting = ["--server", server, "--codec", "f32", "--timeout", 600] if server else []
    where = ["--model", MODEL, "--split", split, "--size", size, *posting]
    printed = headwater("segment", folder / "picture.png", "--mask", mask, *where, "--json", "--repeat", runs)
    return [json.loads(line) for line in printed.splitlines()], np.asarray(Image.open(mask))


class Body:
    """A server for `headwater segment --server` that runs the body with `run` and keeps what crossed.

    So the peer's tail can be given the very tensors that ours was, and heads can be compared.
    """

    def __init__(self, run):
        self.up, self.down = {}, {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                content = self.rfile.read(int(self.headers["Content-Length"]))
                json_bytes = int(self.headers[HEADER_LENGTH])
                outer.up = tensors(json.loads(content[:json_bytes])["inputs"], content[json_bytes:])
                # One picture: the answer is always the same.
                outer.down = outer.down or run(outer.up)
                outputs = [
                    {
                        "name": name,
                        "datatype": "FP32",
                        "shape": list(values.shape),
                        "parameters": {"binary_data_size": values.nbytes},
                    }
                    for name, values in outer.down.items()
                ]
                answer = {"model_name": "isnet", "model_version": "1", "outputs": outputs}
                header = json.dumps(answer).encode()
                body = header + b"".join(values.astype("<f4").tobytes() for values in outer.down.values())
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(len(body)))
                self.send_header(HEADER_LENGTH, str(len(header)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def tensors(described, content):
    """Named f32 tensors that stand behind one another."""
    found, at = {}, 0
    for tensor in described:
        end = at + tensor["parameters"]["binary_data_size"]
        found[tensor["name"]] = np.frombuffer(content[at:end], "<f4").reshape(tensor["shape"]).copy()
        at = end
    return found
