"""What changes the server: closed without THAW_ADMIN_KEY, and every use leaves a line in the log."""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from contract.aliases import Alias
from serving.errors import Refusal
from serving.keys import Keys, bearer
from serving.messages import Request, Response, json_response
from serving.routes import Route

if TYPE_CHECKING:
    from serving.app import App

audit = logging.getLogger("thaw.audit")


class Activation(TypedDict):
    """What an admin route did. `previous`: what rolling back returns to."""

    model: str
    version: str
    previous: str | None


async def activate(app: "App", request: Request, values: Mapping[str, str]) -> Response:
    """POST /admin/models/{model}/versions/{version}:activate."""
    _check_key(app, request, "activate", values)
    name, version = values["model"], values["version"]
    return await _order(app, request, "activate", name, version)


async def roll_back(app: "App", request: Request, values: Mapping[str, str]) -> Response:
    """POST /admin/models/{model}:rollback."""
    _check_key(app, request, "rollback", values)
    return await _order(app, request, "rollback", values["model"], None)


async def _order(app: "App", request: Request, action: str, name: str, version: str | None) -> Response:
    """To its end, even if whoever asked leaves meanwhile: half of it would be the file without the traffic."""
    return await asyncio.shield(asyncio.ensure_future(_audited(app, request, action, name, version)))


async def _audited(app: "App", request: Request, action: str, name: str, version: str | None) -> Response:
    fields = {"action": action, "model": name, "version": version, **_who(request)}
    try:
        alias: Alias = await (app.keeper.roll_back(name) if version is None else app.keeper.activate((name, version)))
    except Refusal as refusal:
        audit.warning("not done: %s", refusal.detail, extra={"fields": fields})
        raise
    document: Activation = {"model": alias.model, "version": alias.version, "previous": alias.previous}
    audit.info("done", extra={"fields": fields | document})
    return json_response(document)


def _who(request: Request) -> dict[str, str]:
    return {"client": request.client, "request_id": request.request_id}


def _check_key(app: "App", request: Request, action: str, values: Mapping[str, str]) -> None:
    """`Authorization: Bearer KEY`."""
    key = app.settings.admin_key
    if key is None:
        raise Refusal("admin-closed", "This server has no key for administration. Start it with THAW_ADMIN_KEY set.")
    if not Keys([key.get_secret_value()]).has(bearer(request)):
        fields = {"action": action, **values, **_who(request)}
        audit.warning("refused: no valid key", extra={"fields": fields})
        raise Refusal("unauthorized", "The key is absent or wrong. Send `Authorization: Bearer` with THAW_ADMIN_KEY.")


ADMIN = (
    Route("admin", "/admin/models/{model}/versions/{version}:activate", {"POST": activate}),
    Route("admin", "/admin/models/{model}:rollback", {"POST": roll_back}),
)
