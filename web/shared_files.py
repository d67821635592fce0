"""Style sheet and icon of all pages, served below the path of each area."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

_FOLDER = Path(__file__).with_name("static")


def register_shared_files(blueprint: Blueprint) -> None:
    """Register ``/…/look/<file>``: a proxy that passes one area on passes its look too."""

    @blueprint.get("/look/<path:filename>", endpoint="look")
    def look(filename: str) -> Response:
        return send_from_directory(_FOLDER, filename, max_age=3600)
