"""A model server in Python's standard library alone: the mood of a text by counting words.

It speaks as much of the Open Inference Protocol V2 as a replica needs: ready, metadata, infer. What it computes stands
for whatever cannot be an ONNX file.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "mood"
GOOD = {"good", "great", "happy", "love", "calm", "bright", "thanks"}
BAD = {"bad", "awful", "sad", "hate", "broken", "dark", "late"}
METADATA = {
    "name": MODEL,
    "platform": "python",
    "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
    "outputs": [{"name": "mood", "datatype": "FP32", "shape": [-1]}],
}


def mood(text):
    """From -1 (every judging word is bad) to 1 (every one is good); 0 where there is none."""
    words = [word.strip(".,!?") for word in text.lower().split()]
    good, bad = sum(word in GOOD for word in words), sum(word in BAD for word in words)
    return (good - bad) / max(1, good + bad)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == f"/v2/models/{MODEL}/ready":
            self.answer(200, {"name": MODEL, "ready": True})
        elif self.path == f"/v2/models/{MODEL}":
            self.answer(200, METADATA)
        else:
            self.answer(404, {"error": f"no such path: {self.path}"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            texts = next(each["data"] for each in json.loads(body)["inputs"] if each["name"] == "text")
            moods = [mood(text) for text in texts]
        except (KeyError, StopIteration, TypeError, ValueError, AttributeError) as error:
            self.answer(400, {"error": f"expected the input text: {error!r}"})
            return
        output = {"name": "mood", "datatype": "FP32", "shape": [len(moods)], "data": moods}
        self.answer(200, {"model_name": MODEL, "outputs": [output]})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """One line a request would fill the replica's log with health checks."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
