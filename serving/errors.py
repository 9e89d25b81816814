"""Every refusal: its name, its status, and how it reads to each kind of client.

Three parts in each detail: what was wrong, what was expected, what to do. Details of our own failures stay
in the log; the client gets the request id to ask with.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One way to be refused. `outcome` is its label in metrics; `torchserve` its `type` on TorchServe's routes."""

    name: str
    status: int
    title: str
    outcome: str
    torchserve: str = "BadRequestException"
    torchserve_status: int | None = None  # where TorchServe's clients expect another status


KINDS = {
    kind.name: kind
    for kind in (
        Kind("empty", 400, "No photograph", "refused"),
        Kind("malformed-http", 400, "Malformed HTTP", "refused"),
        Kind("malformed-body", 400, "Malformed body", "refused"),
        Kind("bad-parameter", 400, "Bad parameter", "refused"),
        Kind("unauthorized", 401, "No valid key", "refused", "InvalidKeyException"),
        Kind("admin-closed", 403, "Administration is closed", "refused"),
        Kind("not-found", 404, "No such route", "refused", "ResourceNotFoundException"),
        Kind("unknown-model", 404, "No such model", "refused", "ModelNotFoundException"),
        Kind("unknown-version", 404, "No such version", "refused", "ModelVersionNotFoundException"),
        Kind("method-not-allowed", 405, "Method not allowed", "refused", "MethodNotAllowedException"),
        Kind("slow-request", 408, "Request came too slowly", "refused", "RequestTimeoutException"),
        Kind("not-activated", 409, "Version not activated", "refused"),
        Kind("too-many-bytes", 413, "Too many bytes", "refused", "RequestEntityTooLargeException"),
        Kind("too-many-pixels", 413, "Too many pixels", "refused", "RequestEntityTooLargeException"),
        Kind("too-many-photographs", 413, "Too many photographs", "refused", "RequestEntityTooLargeException"),
        Kind("unsupported-type", 415, "Unsupported content type", "refused", "UnsupportedMediaTypeException"),
        Kind("unsupported-format", 415, "Unsupported format", "refused", "UnsupportedMediaTypeException"),
        Kind("expectation-failed", 417, "Expectation failed", "refused"),
        Kind("too-small", 422, "Photograph too small", "refused", "UnprocessableEntityException"),
        Kind("unreadable", 422, "Photograph cannot be decoded", "refused", "UnprocessableEntityException"),
        Kind("headers-too-large", 431, "Headers too large", "refused"),
        Kind("overloaded", 429, "Overloaded", "shed", "ServiceUnavailableException", 503),
        Kind("internal", 500, "Our failure", "error", "InternalServerException"),
        Kind("not-ready", 503, "Not ready", "unavailable", "ServiceUnavailableException"),
        Kind("deadline", 504, "Deadline passed", "deadline", "RequestTimeoutException"),
    )
}


class Refusal(Exception):
    """A request or one photograph of it is not answered. Becomes problem+json, or TorchServe's error."""

    def __init__(
        self, kind: str, detail: str, *, retry_after_s: int | None = None, allow: tuple[str, ...] = ()
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[kind]
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.allow = allow

    def problem(self, request_id: str) -> dict[str, object]:
        """Problem details of RFC 9457; `type` leads to the line about it in this server's own documentation."""
        return {
            "type": f"/docs#{self.kind.name}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "request_id": request_id,
        }

    def torchserve(self) -> dict[str, object]:
        """The form that TorchServe's clients parse."""
        return {"code": self.torchserve_status, "type": self.kind.torchserve, "message": self.detail}

    def inference(self) -> dict[str, object]:
        """The form of the Open Inference Protocol."""
        return {"error": self.detail}

    @property
    def torchserve_status(self) -> int:
        """503 for overload, as TorchServe has it; else our own status."""
        return self.kind.torchserve_status or self.kind.status


class StartError(RuntimeError):
    """The server must not start: a setting, a model or a library is not what was asked for."""
