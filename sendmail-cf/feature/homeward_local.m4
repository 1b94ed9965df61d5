divert(-1)
dnl # Homeward: the bridge in the place of the `local' mailer, for a host with one mail domain.
dnl # /etc/aliases and $=w work as before; RCPT carries the bare local part (with +detail), and
dnl # the bridge adds its default domain. $HOME/.forward is no longer read.
dnl #
dnl # In sendmail.mc, after feature/homeward.m4 and before the first MAILER() line:
dnl #   include(`/usr/share/homeward/sendmail-cf/feature/homeward_local.m4')dnl
dnl # mailer/homeward.m4 is not needed with it.

ifdef(`HOMEWARD_SOCKET',,
	`errprint(`*** ERROR: feature/homeward.m4 must come before feature/homeward_local.m4
')')
ifdef(`_MAILER_local_',
	`errprint(`*** ERROR: feature/homeward_local.m4 must come before MAILER(local)
')')

define(`_HOMEWARD_REPLACES_LOCAL_', `1')

dnl # What FEATURE(`local_lmtp', `[IPC]', `FILE socket') defines, less P (the store writes
dnl # Return-Path). Without these the local mailer of OSTYPE(debian) is sensible-mda.
define(`LOCAL_MAILER_PATH', `[IPC]')
define(`LOCAL_MAILER_FLAGS', `SXmnz9')
define(`LOCAL_MAILER_ARGS', `FILE HOMEWARD_SOCKET')
define(`LOCAL_MAILER_DSN_DIAGNOSTIC_CODE', `SMTP')
define(`_LOCAL_LMTP_', `1')

dnl # OSTYPE(debian) takes `m' away; with it several recipients share a transaction.
dnl # Without `w' users need no account on this host (else 550 for everybody not in /etc/passwd).
MODIFY_MAILER_FLAGS(`LOCAL', `+m')
MODIFY_MAILER_FLAGS(`LOCAL', `-w')

dnl # Recipients per transaction, messages per connection: as in feature/homeward.m4.
define(`LOCAL_MAILER_MAXRCPTS', HOMEWARD_MAXRCPTS)
define(`LOCAL_MAILER_MAXMSGS', HOMEWARD_MAXMSGS)

dnl # ann+lists stays ann+lists in RCPT. Without it the detail is cut off, and its recipients
dnl # travel in transactions of their own.
define(`_PRESERVE_LOCAL_PLUS_DETAIL_', `1')
divert(0)dnl
