divert(-1)
dnl # Homeward: queue-free hand-off. sendmail hands mail to the bridge before it answers 250, with
dnl # no queue file and no sync on this host; the client's 250 is the store's. When the bridge, a
dnl # store or a partition is away, or sendmail is too loaded (QueueLA), it writes and syncs its
dnl # queue files before the 250, by itself: nothing is lost, it is only slower.
dnl #
dnl # In sendmail.mc, after feature/homeward.m4 and before the first MAILER() line:
dnl #   include(`/usr/share/homeward/sendmail-cf/feature/homeward_handoff.m4')dnl
dnl # It sets the delivery mode, whatever was said before.
dnl #
dnl # The price: a client waits until its mail is stored. Many clients at a slow store are many
dnl # sendmail processes: limit them (confMAX_DAEMON_CHILDREN, homeward_tuning.m4). A client that
dnl # loses the connection in that moment sends again, and the mail may come twice.

ifdef(`HOMEWARD_SOCKET',,
	`errprint(`*** ERROR: feature/homeward.m4 must come before feature/homeward_handoff.m4
')')
ifdef(`_MAILER_DEFINED_',
	`errprint(`*** ERROR: feature/homeward_handoff.m4 must come before the first MAILER()
')')
define(`_HOMEWARD_HANDOFF_', `1')

dnl # Deliver while the client waits for its answer ...
define(`confDELIVERY_MODE', `interactive')

dnl # ... and write queue files only for what could not be delivered. SuperSafe=interactive does
dnl # so in this mode alone; in any other sendmail warns and syncs as ever.
define(`confSAFE_QUEUE', `interactive')

dnl # Bodies up to this size stay in memory; a larger one is written to a file at once (and
dnl # removed after the delivery). sendmail's default of 4096 octets would put most mail on disk.
ifdef(`HOMEWARD_HANDOFF_BUFFER',, `define(`HOMEWARD_HANDOFF_BUFFER', `1048576')')
define(`confDF_BUFFER_SIZE', HOMEWARD_HANDOFF_BUFFER)

dnl # The same for the transcript of the session with the mailer.
define(`confXF_BUFFER_SIZE', `65536')

dnl # Mailers with flag `e' (expensive) are not called while the client waits: mail to other hosts
dnl # is queued, synced and sent by the next queue run (-q). Without it a client here would wait
dnl # for a slow host somewhere in the Internet.
define(`confCON_EXPENSIVE', `True')

dnl # `e' for smtp, esmtp, smtp8, dsmtp and relay; MODIFY_MAILER_FLAGS(`SMTP', `+e') would mark
dnl # the first one alone.
ifdef(`SMTP_MAILER_FLAGS', `define(`SMTP_MAILER_FLAGS', defn(`SMTP_MAILER_FLAGS')`e')',
	`define(`SMTP_MAILER_FLAGS', `e')')
ifdef(`RELAY_MAILER_FLAGS', `define(`RELAY_MAILER_FLAGS', defn(`RELAY_MAILER_FLAGS')`e')')
divert(0)dnl
