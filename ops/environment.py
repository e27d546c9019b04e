"""What children see of the caller's environment: what works needs, nothing that differs from shell to shell.

A child whose environment differs is started anew when it is adopted, so only what matters may stand in it.
"""

import os
from collections.abc import Mapping

_KEPT = {
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "GOOGLE_APPLICATION_CREDENTIALS"),
}


def basic(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For any child; settings of ours are the stack's own, not those of whoever calls."""
    return {key: value for key, value in environ.items() if key in _KEPT}


def settings(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the caller asked for by name."""
    return {key: value for key, value in environ.items() if key.startswith("MAYDAY_")}
