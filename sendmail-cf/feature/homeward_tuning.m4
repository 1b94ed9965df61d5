divert(-1)
dnl # Homeward: the settings a busy front end wants, each with its meaning on sendmail 8.17.
dnl #
dnl # In sendmail.mc, behind everything that sets one of these, before the first MAILER() line:
dnl #   include(`/usr/share/homeward/sendmail-cf/feature/homeward_tuning.m4')dnl
dnl # What sendmail.mc has defined before that line stays as it is. A value that only OSTYPE,
dnl # DOMAIN or sendmail's own m4 files have put there (third argument) is replaced.

ifdef(`_MAILER_DEFINED_',
	`errprint(`*** ERROR: feature/homeward_tuning.m4 must come before the first MAILER()
')')
define(`_HOMEWARD_TUNE_', `ifdef(`$1',
	`ifelse(defn(`$1'), `$3', `define(`$1', `$2')')', `define(`$1', `$2')')')

dnl # --- How much at once -------------------------------------------------------------------

dnl # MaxDaemonChildren: processes of a daemon, sessions above all. At the limit sendmail closes
dnl # its port until one has ended; clients are refused the connection and try again. Debian has
dnl # 0, no limit: a store that hangs in the hand-off, or a flood, then ends in a host without
dnl # memory. About 5 MiB each.
dnl # It does not limit queue runners (MaxQueueChildren and Runners= do).
_HOMEWARD_TUNE_(`confMAX_DAEMON_CHILDREN', `200', `0')

dnl # ConnectionRateThrottle: connections per second; those above it are taken a second later,
dnl # none is refused. 0 is no limit. Debian's sendmail.mc has 15, too few for a front end.
_HOMEWARD_TUNE_(`confCONNECTION_RATE_THROTTLE', `100')

dnl # QueueLA, RefuseLA: load averages from which mail is only queued, and from which the port is
dnl # closed. sendmail's own default is 8 and 12 per processor; a number given here is
dnl # taken as it is. Linux counts processes that wait for the disk too, so a front end that
dnl # syncs much has a high load and idle processors: not too low.
_HOMEWARD_TUNE_(`confQUEUE_LA', `60')
_HOMEWARD_TUNE_(`confREFUSE_LA', `100')

dnl # MaxRecipientsPerMessage: further recipients get 452 and are sent again in a message of
dnl # their own. RFC 5321 4.5.3.1.8 wants at least 100. Without a limit one message can hold a
dnl # runner for hours.
_HOMEWARD_TUNE_(`confMAX_RCPTS_PER_MESSAGE', `1000')

dnl # --- The queue --------------------------------------------------------------------------

dnl # MaxQueueRunSize: jobs one run looks at. The first ones in directory order, not the oldest:
dnl # what lies behind them waits for its turn, so it is a guard for memory and not a tool.
_HOMEWARD_TUNE_(`confMAX_QUEUE_RUN_SIZE', `20000')

dnl # MinQueueAge, MaxQueueAge: after a failed attempt a message rests this long; the pause is
dnl # doubled at each attempt up to MaxQueueAge. Runs can then be frequent: new mail goes at
dnl # once, and a host that is down is not asked every ten seconds. After a store is back its
dnl # mail waits half an hour at the most, or for a `sendmail -q' with -OMinQueueAge=0.
_HOMEWARD_TUNE_(`confMIN_QUEUE_AGE', `1m')
_HOMEWARD_TUNE_(`confMAX_QUEUE_AGE', `30m')

dnl # DataFileBufferSize, XscriptFileBufferSize: body and transcript up to this size stay in
dnl # memory until they must be in the queue. Where everything is queued (SuperSafe=True) the
dnl # body is written anyway and only the transcript gains; with homeward_handoff.m4, which sets
dnl # larger ones, it is the difference between files and none.
_HOMEWARD_TUNE_(`confDF_BUFFER_SIZE', `65536')
_HOMEWARD_TUNE_(`confXF_BUFFER_SIZE', `65536')

dnl # --- The connections --------------------------------------------------------------------

dnl # Connections a queue run keeps open to use them again: the bridge and a few other hosts.
dnl # (ConnectionCacheSize; sendmail's maximum that is still sensible is 8.) homeward.m4 sets 4.
_HOMEWARD_TUNE_(`confMCI_CACHE_SIZE', `4', `2')
_HOMEWARD_TUNE_(`confMCI_CACHE_TIMEOUT', `60s', `5m')

dnl # Waiting for other hosts. The first attempt (iconnect) is short: a host that does not answer
dnl # is tried again from the queue, with more patience (connect).
_HOMEWARD_TUNE_(`confTO_ICONNECT', `15s', `2m')
_HOMEWARD_TUNE_(`confTO_CONNECT', `1m')

dnl # RFC 5321 4.5.3.2 asks a client to wait 5 minutes for the greeting, MAIL and RCPT, 2 for
dnl # DATA and 3 for each block. sendmail has an hour for RCPT and for blocks, during which a
dnl # runner stands still.
_HOMEWARD_TUNE_(`confTO_INITIAL', `5m')
_HOMEWARD_TUNE_(`confTO_HELO', `5m')
_HOMEWARD_TUNE_(`confTO_MAIL', `5m', `2m')
_HOMEWARD_TUNE_(`confTO_RCPT', `5m')
_HOMEWARD_TUNE_(`confTO_DATABLOCK', `5m')
dnl # (confTO_DATAFINAL, the wait after the message: feature/homeward.m4.)

dnl # A client that says nothing is let go after 5 minutes, the RFC's least (Debian has it; the
dnl # default is an hour).
_HOMEWARD_TUNE_(`confTO_COMMAND', `5m')

dnl # No RFC 1413 question to every client: nobody answers any more, and a firewall that drops
dnl # it makes each session five seconds longer.
_HOMEWARD_TUNE_(`confTO_IDENT', `0', `5s')
divert(0)dnl
