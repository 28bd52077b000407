"""The OpenAPI document as it was generated, and a page to read and try it; nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

import aws_lambda_powertools
from aws_lambda_powertools.event_handler import Response

OPENAPI: Final = Path(__file__).parents[4] / "schemas" / "generated" / "openapi.json"
_SWAGGER: Final = (
    Path(aws_lambda_powertools.__file__).parent / "event_handler" / "openapi" / "swagger_ui"
)
_START: Final = """
SwaggerUIBundle({
  dom_id: "#api", url: "openapi.json", docExpansion: "list", deepLinking: true, filter: true,
  layout: "BaseLayout", validatorUrl: null, tryItOutEnabled: false, persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis], plugins: [SwaggerUIBundle.plugins.DownloadUrl]
});
"""


@cache
def openapi_text() -> str:
    """The document, byte for byte as it is committed."""
    return OPENAPI.read_text("utf-8")


@cache
def _made() -> tuple[str, str]:
    """The page and its content security policy: its own two scripts and nothing else run."""
    script = _inline((_SWAGGER / "swagger-ui-bundle.min.js").read_text("utf-8"))
    style = (_SWAGGER / "swagger-ui.min.css").read_text("utf-8").replace("</", "<\\/")
    html = (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Liên thông API</title><style>{style}</style></head>\n"
        f'<body><div id="api"></div><script>{script}</script><script>{_START}</script></body>\n'
        "</html>\n"
    )
    allowed = " ".join(f"'sha256-{_hash(text)}'" for text in (script, _START))
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:;"
        " font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    return html, policy


def page() -> Response[str]:
    """The page, packed where the browser takes that."""
    html, policy = _made()
    return Response(
        200,
        "text/html; charset=utf-8",
        html,
        headers={"Content-Security-Policy": policy},
        compress=True,
    )


def _inline(script: str) -> str:
    """A script that may stand in a page: nothing in it ends it."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
