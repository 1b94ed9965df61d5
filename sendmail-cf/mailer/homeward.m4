divert(-1)
dnl # Homeward: the mailers that speak LMTP to homeward-bridge, with full addresses.
dnl #
dnl # In sendmail.mc, after MAILER(`smtp'), whose rewriting rules they share:
dnl #   include(`/usr/share/homeward/sendmail-cf/mailer/homeward.m4')dnl
dnl #
dnl # One domain goes to the bridge by a line in /etc/mail/mailertable:
dnl #   example.org     homeward:any                     the bridge on this host
dnl #   example.net     homewardtcp:[192.0.2.10]         a bridge on another host
dnl # The word after `homeward:' groups recipients into transactions and names no host.
dnl #
dnl # define(`HOMEWARD_LOCAL_DOMAIN', `example.org') before feature/homeward.m4 adds a rule
dnl # instead: what is local to sendmail and has no entry in /etc/aliases goes to the bridge
dnl # as user@example.org. With define(`HOMEWARD_USERS_FILE', `/etc/mail/homeward-users') only
dnl # the users named there, one local part per line: this is how to begin with one user.

ifdef(`HOMEWARD_SOCKET',,
	`errprint(`*** ERROR: feature/homeward.m4 must come before mailer/homeward.m4
')')
ifdef(`_MAILER_smtp_',, `errprint(`*** ERROR: MAILER(smtp) must come before mailer/homeward.m4
')')

dnl # F=  the flags, one by one (op.me, "M - define mailer"):
dnl #     l  final delivery: the bridge's 250 ends our responsibility
dnl #     D F M  add Date, From, Message-Id where a sender left them out
dnl #     q  VRFY answers 250 rather than 252
dnl #     S X m n  as for every LMTP mailer: no change of user, dot-stuffing, several recipients
dnl #              in one transaction, no mbox "From " line
dnl #     z  speak LMTP; one result per recipient
dnl #     9  eight-bit text is passed on as it is, the bridge announces 8BITMIME
dnl #     u  leave the case of local parts alone; the bridge applies the site's rule
dnl #     Left out on purpose: P (Return-Path is the store's to write), s (would take the
dnl #     quotes off a local part such as "ann lee").
dnl # S=, R=  sender and recipient rewriting as for SMTP: full addresses, +detail included.
dnl # E=  lines end with CR LF.       T=  diagnostics in error mail are SMTP replies.
dnl # No L=: lines of any length pass unchanged.
dnl # A=  FILE: a unix socket. TCP: host from mailertable, port.
dnl # Q=  the queue group, when feature/homeward_queues.m4 made groups.
define(`_HOMEWARD_MAILER_', `P=[IPC], F=lDFMqSXmnz9u,
		S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/HdrFromSMTP,
		E=\r\n, m=HOMEWARD_MAXMSGS, r=HOMEWARD_MAXRCPTS, T=DNS/RFC822/SMTP,ifdef(`HOMEWARD_QUEUE_GROUP', ` Q=HOMEWARD_QUEUE_GROUP,')')

PUSHDIVERT(7)
#
#  Homeward: LMTP to the bridge
#
Mhomeward,	_HOMEWARD_MAILER_
		A=FILE HOMEWARD_SOCKET
Mhomewardtcp,	_HOMEWARD_MAILER_
		A=TCP $h HOMEWARD_PORT
POPDIVERT

dnl # The rules see a local address that aliases have left as it is. Their right side must be
dnl # focused (`< @ domain . >'); the columns are separated by tabs.
ifdef(`HOMEWARD_LOCAL_DOMAIN', `ifdef(`HOMEWARD_USERS_FILE', `PUSHDIVERT(6)
F{HomewardUsers} HOMEWARD_USERS_FILE
POPDIVERT
PUSHDIVERT(9)
SLocal_localaddr
R$={HomewardUsers}	$#homeward $@ any $: $1 < @ HOMEWARD_LOCAL_DOMAIN . >
R$={HomewardUsers} + $*	$#homeward $@ any $: $1 + $2 < @ HOMEWARD_LOCAL_DOMAIN . >
POPDIVERT', `PUSHDIVERT(9)
SLocal_localaddr
R$+			$#homeward $@ any $: $1 < @ HOMEWARD_LOCAL_DOMAIN . >
POPDIVERT')')
divert(0)dnl
