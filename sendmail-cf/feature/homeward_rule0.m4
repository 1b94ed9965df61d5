divert(-1)
dnl # Homeward: for many mail domains, sendmail asks the live user directory where a user's mail
dnl # goes (layout 3). No mailertable, no list of users: who is in the directory gets mail, who is
dnl # not is refused at RCPT, and a user who moves is found in the new place at the next attempt.
dnl #
dnl # In sendmail.mc, after feature/homeward.m4 and before the first MAILER() line:
dnl #   include(`/usr/share/homeward/sendmail-cf/feature/homeward_rule0.m4')dnl
dnl # and after MAILER(`smtp'), as always:
dnl #   include(`/usr/share/homeward/sendmail-cf/mailer/homeward.m4')dnl
dnl #
dnl # unknown 550 5.1.1; directory or homeward-milter away 451 4.3.0, and mail in the queue waits.
dnl # /etc/aliases and virtusertable are not asked for these domains.

ifdef(`HOMEWARD_SOCKET',,
	`errprint(`*** ERROR: feature/homeward.m4 must come before feature/homeward_rule0.m4
')')
ifdef(`_MAILER_DEFINED_',
	`errprint(`*** ERROR: feature/homeward_rule0.m4 must come before the first MAILER()
')')
ifdef(`_HOMEWARD_LOOKUP_',
	`errprint(`*** ERROR: feature/homeward_rule0.m4 asks the directory itself; leave homeward_lookup.m4 out
')')
define(`_HOMEWARD_RULE0_', `1')

dnl # The domains, one per line, read at start. None of them may be in local-host-names: what is
dnl # local is aliased first and is routed by mailer/homeward.m4. A missing file is an error at
dnl # the start, since all their mail would be refused without it.
ifdef(`HOMEWARD_DOMAINS_FILE',,
	`define(`HOMEWARD_DOMAINS_FILE', `/etc/mail/homeward-domains')')

dnl # As in homeward_lookup.m4.
ifdef(`HOMEWARD_LOOKUP_SOCKET',,
	`define(`HOMEWARD_LOOKUP_SOCKET', `unix:/run/homeward/lookup.sock')')
ifdef(`HOMEWARD_LOOKUP_TIMEOUT',, `define(`HOMEWARD_LOOKUP_TIMEOUT', `5')')

dnl # What groups the recipients of one message into LMTP transactions: equal answers travel
dnl # together. `home' (server/directory): one transaction per partition, so that a partition that
dnl # is away or slow keeps back nobody else's reply. `transport': one for all; the bridge then
dnl # spreads them itself, at the speed of the slowest.
ifdef(`HOMEWARD_ROUTE_BY',, `define(`HOMEWARD_ROUTE_BY', `home')')
ifelse(defn(`HOMEWARD_ROUTE_BY'), `home',, defn(`HOMEWARD_ROUTE_BY'), `transport',,
	`errprint(`*** ERROR: HOMEWARD_ROUTE_BY must be home or transport
')')

dnl # Options: see homeward_lookup.m4. The map's name is the question.
PUSHDIVERT(6)
F{HomewardDomains} HOMEWARD_DOMAINS_FILE %[^\#]
K`'HOMEWARD_ROUTE_BY socket -a<OK> -T<TMPF> -d`'HOMEWARD_LOOKUP_TIMEOUT -f HOMEWARD_LOOKUP_SOCKET
POPDIVERT

dnl # Rule 0 parses senders, too. They only have to resolve to something: a sender no-reply@ one of
dnl # our domains is no mailbox and not wrong, and a question about it would cost a look-up.
dnl # The answer becomes the mailer's host ($@): sendmail makes one transaction per host. The
dnl # mailer itself always connects to HOMEWARD_SOCKET.
PUSHDIVERT(3)
R$+ < @ $={HomewardDomains} . >	$: < $&{addr_type} > $1 < @ $2 . >
R< e s > $+ < @ $+ >	$#homeward $@ sender $: $1 < @ $2 >
R< $* > $+ < @ $={HomewardDomains} . >	$: $2 < @ $3 . >
R$+ < @ $={HomewardDomains} . >	$: <HOMEWARD> $1 < @ $2 . > $| $(HOMEWARD_ROUTE_BY $1 @ $2 $: - $)
R<HOMEWARD> $+ $| $+ <OK>	$#homeward $@ $2 $: $1
R<HOMEWARD> $+ $| $* <TMPF>	$#error $@ 4.3.0 $: "451 4.3.0 User directory is away, try again later"
R<HOMEWARD> $+ $| $*	$#error $@ 5.1.1 $: "550 5.1.1 User unknown"
POPDIVERT

dnl # Mail from outside is let in for these domains. The rule is added to the end of Rcpt_ok, so
dnl # that all checks before it (access map, black lists) stay in force; class R or an OK from
dnl # Local_check_rcpt would open more than the door for these recipients.
PUSHDIVERT(9)
SRcpt_ok
R$+ < @ $={HomewardDomains} >	$@ RELAY	Homeward

POPDIVERT
divert(0)dnl
