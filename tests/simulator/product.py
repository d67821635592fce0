"""A small stand-in for the product: real HTTP, verifies signatures with the provider's own SDK."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, Response, request
from twilio.request_validator import RequestValidator
from werkzeug.serving import make_server

XML = "text/xml"


@dataclass
class Product:
    token: str
    port: int = 0
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)
    says: dict[str, Callable[[dict[str, str]], Response]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def posts(self, path: str) -> list[dict[str, str]]:
        with self._lock:
            return [fields for where, fields in self.heard if where == path]

    def answer(self, path: str, xml: str, status: int = 200, kind: str = XML) -> None:
        self.says[path] = lambda _: Response(xml, status, content_type=kind)

    def app(self) -> Flask:
        app = Flask("product")

        @app.route("/<path:_>", methods=["GET", "POST"])
        def door(_: str) -> Response:
            fields = {**request.args.to_dict(), **request.form.to_dict()}
            raw = request.environ["REQUEST_URI"].encode("latin-1").decode()
            url = f"{self.url}{raw}"
            given = request.headers.get("X-Twilio-Signature", "")
            if not request.path.startswith("/kannel") and not RequestValidator(self.token).validate(
                url, request.form, given
            ):
                with self._lock:
                    self.unsigned.append(raw)
                return Response(status=403)
            with self._lock:
                self.heard.append((request.path, fields))
            say = self.says.get(request.path)
            return say(fields) if say else Response(status=204)

        return app

    def serve(self) -> Callable[[], None]:
        server = make_server("127.0.0.1", self.port, self.app(), threaded=True)
        self.port = server.port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()

        def stop() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        return stop
