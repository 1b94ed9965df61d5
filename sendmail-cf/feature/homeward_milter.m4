divert(-1)
dnl # Homeward: homeward-milter judges every recipient before sendmail accepts it: unknown users,
dnl # full mailboxes, senders that are too fast (homeward-milter(8)).
dnl #
dnl # In sendmail.mc, after every other INPUT_MAIL_FILTER and before the first MAILER() line:
dnl #   include(`/usr/share/homeward/sendmail-cf/feature/homeward_milter.m4')dnl
dnl # HOMEWARD_MILTER_SOCKET and HOMEWARD_MILTER_TIMEOUTS, when sendmail.mc has defined them
dnl # before that line, keep their values.

ifdef(`_HOMEWARD_MILTER_',
	`errprint(`*** ERROR: feature/homeward_milter.m4 is included twice
')')
ifdef(`_MAILER_DEFINED_',
	`errprint(`*** ERROR: feature/homeward_milter.m4 must come before the first MAILER()
')')
define(`_HOMEWARD_MILTER_', `1')

dnl # Where homeward-milter listens: unix:/path, or inet:port@address for one on another host.
dnl # sendmail refuses a unix socket below a directory that group or others may write to.
ifdef(`HOMEWARD_MILTER_SOCKET',,
	`define(`HOMEWARD_MILTER_SOCKET', `unix:/run/homeward/milter.sock')')

dnl # How long sendmail waits. Verdicts come from memory, within milliseconds: a filter that needs
dnl # longer is ill, and its mail is better put off (451) than a session kept for minutes.
dnl #   C  until it takes the connection (default 5m)
dnl #   S  to send it something (10s)
dnl #   R  for one answer (10s): above the 10 s a busy machine may need, or the rest of the
dnl #      session would go without the filter's answer and get 451
dnl #   E  from the end of the message to the final answer (5m)
ifdef(`HOMEWARD_MILTER_TIMEOUTS',,
	`define(`HOMEWARD_MILTER_TIMEOUTS', `C:10s;S:20s;R:20s;E:60s')')

dnl # F=T: while the filter is away every command is answered 451 and the client tries again.
dnl #   Without F= unjudged mail would come in, for unknown users too, and bounce later; with
dnl #   F=R (554) good mail would bounce at its sender because of a fault of ours.
dnl # The filter is added behind those that are there. It has to be the last one: it sees what
dnl # the others changed, and no message it passed is refused behind it. The check at the end of
dnl # the build finds an INPUT_MAIL_FILTER that comes later in sendmail.mc.
INPUT_MAIL_FILTER(`homeward',
	`S='HOMEWARD_MILTER_SOCKET`, F=T, T='HOMEWARD_MILTER_TIMEOUTS)
define(`_HOMEWARD_FILTERS_', defn(`confINPUT_MAIL_FILTERS'))
m4wrap(`ifelse(defn(`confINPUT_MAIL_FILTERS'), defn(`_HOMEWARD_FILTERS_'),,
	`errprint(`*** ERROR: feature/homeward_milter.m4 must come after all other mail filters
')')')
divert(0)dnl
