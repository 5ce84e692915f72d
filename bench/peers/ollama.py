"""A local Ollama with models and settings of its own, on a free port, for as long as a `with` lasts."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# As the weights' own template writes a conversation that begins with a system message, which DSPy's always do.
TEMPLATE = (
    "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
)
DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


class Ollama:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def create(
        self, name: str, weights: Path | None = None, base: str | None = None, adapter: Path | None = None
    ) -> None:
        """A model of a GGUF file, or of another model and a LoRA in a GGUF file."""
        request: dict[str, object] = {"model": name, "stream": False}
        if weights:
            request |= {"files": {"model.gguf": self._send(weights)}, "template": TEMPLATE}
        if base and adapter:
            request |= {"from": base, "adapters": {"adapter.gguf": self._send(adapter)}}
        self._ask("POST", "/api/create", json.dumps(request).encode())

    def _send(self, file: Path) -> str:
        content = file.read_bytes()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._ask("POST", f"/api/blobs/{digest}", content)
        return digest

    def _ask(self, method: str, path: str, body: bytes) -> bytes:
        request = urllib.request.Request(self.url + path, body, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as reply:
                return reply.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"Ollama refused {path}: {error.code} {error.read().decode()[:500]}") from error


@contextmanager
def serving(binary: str, parallel: int) -> Iterator[Ollama]:
    """Start a server that answers so many requests side by side, and stop it at the end."""
    with tempfile.TemporaryDirectory() as home, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        settings = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "OLLAMA_HOST": f"127.0.0.1:{port}",
            "OLLAMA_NUM_PARALLEL": str(parallel),
            "OLLAMA_CONTEXT_LENGTH": "2048",
            "OLLAMA_KEEP_ALIVE": "-1",
            "OLLAMA_NO_CLOUD": "1",
        }
        with open(Path(home) / "log", "w+") as log:
            server = subprocess.Popen([binary, "serve"], env=settings, stdout=log, stderr=log)
            try:
                url = f"http://127.0.0.1:{port}"
                _wait(url, server, Path(home) / "log")
                yield Ollama(url)
            finally:
                server.terminate()
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    server.kill()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/api/version", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"Ollama did not come up:\n{log.read_text()[-2000:]}")
