divert(-1)
dnl # Homeward: settings a sendmail needs to hand mail to homeward-bridge over LMTP.
dnl #
dnl # In sendmail.mc, before the first MAILER() line:
dnl #   include(`/usr/share/homeward/sendmail-cf/feature/homeward.m4')dnl
dnl # HOMEWARD_... and confTO_DATAFINAL, when sendmail.mc has defined them before that line, keep
dnl # their values.

dnl # Where the bridge listens. sendmail walks to the socket as root and refuses it when any
dnl # directory above it can be written by its group or by others.
ifdef(`HOMEWARD_SOCKET',, `define(`HOMEWARD_SOCKET', `/run/homeward/lmtp.sock')')

dnl # TCP port of a bridge on another host, for the mailer `homewardtcp'.
ifdef(`HOMEWARD_PORT',, `define(`HOMEWARD_PORT', `2424')')

dnl # Messages per connection, then a new one is made; recipients per transaction. The bridge
dnl # must take at least as many recipients: sendmail keeps a refused rest for its next queue run.
ifdef(`HOMEWARD_MAXMSGS',, `define(`HOMEWARD_MAXMSGS', `100')')
ifdef(`HOMEWARD_MAXRCPTS',, `define(`HOMEWARD_MAXRCPTS', `100')')

dnl # How long to wait for the answer after the message. The bridge answers within 125 s, its own
dnl # second attempt included, so that its answer always comes before this limit. Debian leaves
dnl # one hour, during which a delivery process would hang on a bridge whose host has vanished.
dnl # sendmail has one limit for all mailers: on a host that also sends to the Internet, define
dnl # confTO_DATAFINAL as `10m' (RFC 5321 4.5.3.2.6) above this include.
ifdef(`confTO_DATAFINAL',, `define(`confTO_DATAFINAL', `180s')')

dnl # Connections a process keeps open, and for how long: a queue run hands over all its messages
dnl # on one connection. Stay below the bridge's own limit for idle connections. (cf.README names
dnl # these confMCI_...; a confCONNECTION_CACHE_SIZE is accepted by m4 and changes nothing.)
define(`confMCI_CACHE_SIZE', `4')
define(`confMCI_CACHE_TIMEOUT', `60s')

dnl # DOMAIN(debian-mta) lets sendmail write down, for all its processes, which hosts did not answer,
dnl # and not call them for half an hour (Timeout.hoststatus). The bridge counts as the host
dnl # `localhost': after one connection that failed, during its restart for example, all its mail,
dnl # new mail too, would wait that long for a bridge that is there. A host where this file is
dnl # needed for other hosts can define it again below this line, with confTO_HOSTSTATUS at 10s.
undefine(`confHOST_STATUS_DIRECTORY')

dnl # A user of the local domain need not have an account on this host: without -w, sendmail
dnl # answers 550 for everybody who is not in /etc/passwd. With a list of users, those not yet
dnl # listed are still delivered here and still need their accounts.
ifdef(`HOMEWARD_LOCAL_DOMAIN',
	`ifdef(`HOMEWARD_USERS_FILE',, `MODIFY_MAILER_FLAGS(`LOCAL', `-w')')')
divert(0)dnl
