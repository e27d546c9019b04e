"""Mail, handed to a server over SMTP."""

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from notifier.channels import Undeliverable
from notifier.channels.message import Message

_TIMEOUT_S = 10.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Away(ConnectionError):
    """The server cannot take it now, or not from us."""


class MailServer:
    """Sends plain text to one address; a 5xx about a message is given up, all else is tried again.

    `smtps://` is TLS from the start; `smtp://` is TLS where the server offers it, and no password leaves
    this machine without it.
    """

    def __init__(self, url: str, sender: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._server = urlsplit(url)
        self._sender = sender
        self._timeout_s = timeout_s

    def send(self, message: Message) -> str:
        """Hand one message over."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, message.to, message.title
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{message.id}@{self._sender.rpartition('@')[2].strip('> ')}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        try:
            smtp = self._connect()
            try:
                smtp.send_message(mail, to_addrs=[message.to])
                with suppress(smtplib.SMTPException, OSError):
                    smtp.quit()  # it has taken the message, however it says goodbye
            finally:
                smtp.close()
        except smtplib.SMTPRecipientsRefused as refusal:
            raise _refused(*next(iter(refusal.recipients.values()))) from None
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError, smtplib.SMTPHeloError) as refusal:
            raise Away(f"SMTP {refusal.smtp_code}") from None
        except smtplib.SMTPResponseException as refusal:
            raise _refused(refusal.smtp_code, refusal.smtp_error) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Away(f"{type(error).__name__}: {error}") from None
        return "SMTP 250"

    def _connect(self) -> smtplib.SMTP:
        host = self._server.hostname or "localhost"
        tls = ssl.create_default_context()
        if self._server.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self._server.port or 465, timeout=self._timeout_s, context=tls
            )
        else:
            smtp = smtplib.SMTP(host, self._server.port or 25, timeout=self._timeout_s)
        try:
            self._introduce(smtp, host, tls)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _introduce(self, smtp: smtplib.SMTP, host: str, tls: ssl.SSLContext) -> None:
        smtp.ehlo()
        safe = self._server.scheme == "smtps" or host in _LOOPBACK
        if self._server.scheme != "smtps" and smtp.has_extn("starttls"):
            smtp.starttls(context=tls)
            smtp.ehlo()
            safe = True
        if self._server.username:
            if not safe:
                raise Away("the server offers no TLS, and a password must not go without")
            smtp.login(unquote(self._server.username), unquote(self._server.password or ""))


def _refused(code: int, said: bytes | str) -> Exception:
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    if 500 <= code < 600:
        return Undeliverable(f"SMTP {code} {words}".replace("\0", ""))
    return Away(f"SMTP {code}")
