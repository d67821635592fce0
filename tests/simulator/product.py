"""Double of the product: a real HTTP server that verifies signatures with Twilio's SDK."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, Response, request
from twilio.request_validator import RequestValidator


@dataclass
class Product:
    token: str
    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)
    responses: dict[str, Callable[[dict[str, str]], Response]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def posts(self, path: str) -> list[dict[str, str]]:
        with self._lock:
            return [fields for requested, fields in self.requests if requested == path]

    def answer(self, path: str, xml: str, status: int = 200, kind: str = "text/xml") -> None:
        self.responses[path] = lambda _: Response(xml, status, content_type=kind)

    def app(self) -> Flask:
        app = Flask("product")

        @app.route("/<path:_>", methods=["GET", "POST"])
        def webhook(_: str) -> Response:
            target = request.environ["REQUEST_URI"].encode("latin-1").decode()
            if not request.path.startswith(("/kannel", "/demo")) and not self._is_signed(target):
                with self._lock:
                    self.unsigned.append(target)
                return Response(status=403)
            fields = {**request.args.to_dict(), **request.form.to_dict()}
            with self._lock:
                self.requests.append((request.path, fields))
            respond = self.responses.get(request.path)
            return respond(fields) if respond else Response(status=204)

        return app

    def _is_signed(self, target: str) -> bool:
        signature = request.headers.get("X-Twilio-Signature", "")
        validator = RequestValidator(self.token)
        return bool(validator.validate(f"{self.url}{target}", request.form, signature))
