divert(-1)
dnl # Homeward: sendmail asks the user directory at RCPT whether there is such a user, through the
dnl # look-up door of homeward-milter (a socket map). For hosts that do not use the milter; with
dnl # the milter it is a second lock on the same door.
dnl #
dnl # In sendmail.mc, after feature/homeward.m4 (and homeward_local.m4, FEATURE(`virtusertable'),
dnl # when they are used) and before the first MAILER() line:
dnl #   include(`/usr/share/homeward/sendmail-cf/feature/homeward_lookup.m4')dnl
dnl #
dnl # Who is asked about:
dnl #   - users of local domains (class w), when the bridge gets them: with homeward_local.m4,
dnl #     with HOMEWARD_LOCAL_DOMAIN, and with HOMEWARD_USERS_FILE only those in the list;
dnl #   - users of the domains in HOMEWARD_DOMAINS_FILE, when that is defined: domains that
dnl #     mailertable sends to the bridge. One domain per line, read at start.
dnl # Everybody else is none of its business and is judged by sendmail as before.
dnl # unknown 550 5.1.1; directory or homeward-milter away 451 4.3.0; names in /etc/aliases and
dnl # addresses in virtusertable pass.

ifdef(`HOMEWARD_SOCKET',,
	`errprint(`*** ERROR: feature/homeward.m4 must come before feature/homeward_lookup.m4
')')
ifdef(`_MAILER_DEFINED_',
	`errprint(`*** ERROR: feature/homeward_lookup.m4 must come before the first MAILER()
')')
ifdef(`_HOMEWARD_RULE0_',
	`errprint(`*** ERROR: feature/homeward_rule0.m4 asks the directory itself; leave homeward_lookup.m4 out
')')
ifdef(`HOMEWARD_LOCAL_DOMAIN', `define(`_HOMEWARD_ASKS_LOCAL_', `1')')
ifdef(`_HOMEWARD_REPLACES_LOCAL_', `define(`_HOMEWARD_ASKS_LOCAL_', `1')')
ifdef(`_HOMEWARD_ASKS_LOCAL_',, `ifdef(`HOMEWARD_DOMAINS_FILE',,
	`errprint(`*** ERROR: feature/homeward_lookup.m4 has nobody to ask about: define HOMEWARD_LOCAL_DOMAIN or HOMEWARD_DOMAINS_FILE, or include homeward_local.m4, before it
')')')
define(`_HOMEWARD_LOOKUP_', `1')

dnl # Where the look-up door listens: unix:/path or inet:port@address. For unix sockets
dnl # sendmail's rule about the directories above applies.
ifdef(`HOMEWARD_LOOKUP_SOCKET',,
	`define(`HOMEWARD_LOOKUP_SOCKET', `unix:/run/homeward/lookup.sock')')

dnl # How long one question may take. Answers come from memory; sendmail's own limit is 30 s, and
dnl # a client's patience with RCPT is not endless.
ifdef(`HOMEWARD_LOOKUP_TIMEOUT',, `define(`HOMEWARD_LOOKUP_TIMEOUT', `5')')

dnl # The alias file whose names pass. One file; with more than one, or another kind than a hash
dnl # made by newaliases, say here which.
ifdef(`HOMEWARD_ALIAS_FILE',, `define(`HOMEWARD_ALIAS_FILE', defn(`ALIAS_FILE'))')
ifelse(eval(index(defn(`HOMEWARD_ALIAS_FILE'), `,') + index(defn(`HOMEWARD_ALIAS_FILE'), `:') > -2),
	`1', `errprint(`*** ERROR: ALIAS_FILE is more than one plain file; define HOMEWARD_ALIAS_FILE before feature/homeward_lookup.m4
')')

dnl # -a  what is put behind an answer that was found
dnl # -T  what is put behind when the door is closed or says "later"; without it the question
dnl #     would look answered with "no"
dnl # -d  the limit above            -f  no lower-casing: the directory applies the site's rule
dnl # The map's name goes over the wire: `mailbox' is the question.
dnl # -m  the alias map tells only whether the name is there; -o no alias file, no aliases
PUSHDIVERT(6)
Kmailbox socket -a<OK> -T<TMPF> -d`'HOMEWARD_LOOKUP_TIMEOUT -f HOMEWARD_LOOKUP_SOCKET
Khomewardalias hash -o -m -a<OK> -T<TMPF> HOMEWARD_ALIAS_FILE
ifdef(`HOMEWARD_DOMAINS_FILE', `F{HomewardDomains} HOMEWARD_DOMAINS_FILE %[^\#]
')dnl
POPDIVERT

dnl # The rules stand in a ruleset of their own; what others add to Local_check_rcpt after them
dnl # sees the address as it came.
PUSHDIVERT(9)
SLocal_check_rcpt
R$*			$: $1 $| $>HomewardRcpt $1
R$* $| $#$*		$#$2
R$* $| $*		$: $1

# Homeward: is there such a user?
SHomewardRcpt
R$*			$: <@> $>canonify $1
ifdef(`_VIRTUSER_TABLE_', `dnl
dnl # The keys virtusertable is asked with; an address found there becomes another one.
R<@> $+ < @ $=w . >	$: <$(virtuser $1 @ $2 $: - $)> $1 < @ $2 . >
R<-> $+ + $* < @ $=w . >	$: <$(virtuser $1 @ $3 $: - $)> $1 + $2 < @ $3 . >
R<-> $+ < @ $=w . >	$: <$(virtuser @ $2 $: - $)> $1 < @ $2 . >
R<-> $+ < @ $=w . >	$: <local> $1
R<$+> $+ < @ $=w . >	$@ OK			virtusertable knows it', `dnl
R<@> $+ < @ $=w . >	$: <local> $1')
ifdef(`HOMEWARD_DOMAINS_FILE', `dnl
R<@> $+ < @ $={HomewardDomains} . >	$: <ask> $1 @ $2', `dnl')
R<@> $* < @ $* > $*	$@ OK			not a domain of ours
dnl # RFC 5321 4.5.1: postmaster without a domain is always accepted.
R<@> $=w		$: <local> $1
R<@> postmaster		$@ OK
R<@> $+			$: <local> $1		no domain: local
R<@>			$@ OK			empty: sendmail says so itself
ifdef(`_HOMEWARD_ASKS_LOCAL_', `dnl
ifdef(`HOMEWARD_USERS_FILE', `dnl
R<local> $={HomewardUsers}	$: <alias> $1
R<local> $={HomewardUsers} + $*	$: <alias> $1 + $2
R<local> $*		$@ OK			not moved yet', `dnl
R<local> $+		$: <alias> $1')
dnl # As sendmail does it: user+detail, user+*, user.
R<alias> $+		$: <$(homewardalias $1 $: - $)> $1
R<-> $+ + $*		$: <$(homewardalias $1 + * $: - $)> $1 + $2
R<-> $+ + $*		$: <$(homewardalias $1 $: - $)> $1 + $2
R<-> $+			$: <ask> $1`'ifdef(`HOMEWARD_LOCAL_DOMAIN', ` @ HOMEWARD_LOCAL_DOMAIN')', `dnl
R<local> $*		$@ OK			delivered here as before')
R<ask> $+		$: <$(mailbox $1 $: - $)> $1
R<$* <OK> > $*		$@ OK
R<$* <TMPF> > $*	$#error $@ 4.3.0 $: "451 4.3.0 User directory is away, try again later"
R$*			$#error $@ 5.1.1 $: "550 5.1.1 User unknown"

POPDIVERT
divert(0)dnl
