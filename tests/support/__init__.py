"""Test support: private mail servers, senders, and the judge that counts what arrived.

Everything here uses the standard library only and runs under Debian 12's python3.
Put the folder `tests` on the module path and import from `support`.
"""
