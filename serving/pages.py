"""The page, its files, the documentation and the schema: read once at start, served from memory."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from serving.errors import Refusal
from serving.messages import JSON, Request, Response, json_response
from serving.openapi import openapi_document
from serving.routes import Route

if TYPE_CHECKING:
    from serving.app import App

PAGE_FOLDER = Path(__file__).parent / "page"
# Nothing from elsewhere, no inline script or style; photographs are shown from data: and blob: addresses.
CONTENT_SECURITY = (
    "content-security-policy",
    "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
)
_HEADERS = (CONTENT_SECURITY, ("cache-control", "no-cache"), ("referrer-policy", "no-referrer"))
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".json": JSON,
    ".webmanifest": "application/manifest+json",
    ".ico": "image/x-icon",
}


@cache
def page_files() -> dict[str, bytes]:
    """Relative path -> content of every file of a known type. A path that is no key does not exist: no traversal."""
    paths = [path for path in PAGE_FOLDER.rglob("*") if path.is_file() and path.suffix in _TYPES]
    return {path.relative_to(PAGE_FOLDER).as_posix(): path.read_bytes() for path in paths}


async def index(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /."""
    return _file("index.html")


async def static(app: "App", request: Request, values: Mapping[str, str]) -> Response:
    """GET /static/..."""
    return _file(values["..."])


async def favicon(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /favicon.ico: browsers ask for it whatever the page says."""
    return _file("icon.svg")


async def docs(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /docs: the page that draws /openapi.json."""
    return _file("docs.html")


async def openapi(app: "App", request: Request, _: Mapping[str, str]) -> Response:
    """GET /openapi.json."""
    return json_response(openapi_document(app.settings))


def _file(name: str) -> Response:
    content = page_files().get(name)
    if content is None:
        raise Refusal("not-found", f"No file {name[:100]!r} here. The page is at /.")
    return Response(200, content, _TYPES[Path(name).suffix], _HEADERS)


PAGES = (
    Route("page", "/", {"GET": index}),
    Route("page", "/static/{...}", {"GET": static}),
    Route("page", "/favicon.ico", {"GET": favicon}),
    Route("docs", "/docs", {"GET": docs}),
    Route("docs", "/openapi.json", {"GET": openapi}),
)
