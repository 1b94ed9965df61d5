"""The quickstart without an MTA: its sender is an LMTP client of the bridge."""

import smtplib

from .maildir_ledger import REFUSED
from .smtp_sender import SmtpSender


class NoMta:
    """In place of a private Postfix or sendmail. There is no queue, nothing to start or stop."""

    log = None

    def __init__(self, bridge):
        self.smtp_port = bridge.port

    def start(self):
        return self

    def stop(self):
        pass

    def queue_size(self):
        return 0


class LmtpSender(SmtpSender):
    """Speaks LMTP. For messages with one recipient: then there is one reply, as in SMTP."""

    def _send_one(self, session, message):
        if session is None:
            try:
                session = smtplib.LMTP(self.host, self.port, timeout=self.timeout)
                session.ehlo()
            except (OSError, smtplib.SMTPException) as error:
                reason = (REFUSED, f"connection failed: {error}")
                return {address: reason for address in message.recipients}, None
        return super()._send_one(session, message)
