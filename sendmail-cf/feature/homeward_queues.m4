divert(-1)
dnl # Homeward: many queue directories in place of one, in three groups, each with runners and an
dnl # interval of its own. A directory with thousands of files is slow to scan and to change; and
dnl # mail that waits for a host in the Internet must not stand before mail for the stores.
dnl #
dnl #   group     directories                        what waits there
dnl #   mqueue    /var/spool/mqueue/q1 ... q8        what has no mailer yet, and all other mailers
dnl #   store     /var/spool/mqueue/store/q1 ...     mail for the bridge, and for local users
dnl #   remote    /var/spool/mqueue/remote/q1 ...    mail for other hosts
dnl #
dnl # In sendmail.mc, after feature/homeward.m4 and before the first MAILER() line:
dnl #   include(`/usr/share/homeward/sendmail-cf/feature/homeward_queues.m4')dnl
dnl # The directories must exist before sendmail starts (farm/homeward-farm make-groups), and what
dnl # waits in /var/spool/mqueue itself is no longer looked at: homeward-drain(8) delivers it.
dnl # Not for the queue farm: its tiers have their own directories (farm/*.mc).

ifdef(`HOMEWARD_SOCKET',,
	`errprint(`*** ERROR: feature/homeward.m4 must come before feature/homeward_queues.m4
')')
ifdef(`_MAILER_DEFINED_',
	`errprint(`*** ERROR: feature/homeward_queues.m4 must come before the first MAILER()
')')
define(`_HOMEWARD_QUEUES_', `1')

dnl # Where the queues are, and which directories there are queues. All groups must lie one below
dnl # the other's base (sendmail: "not subpath of QueueDirectory").
ifdef(`HOMEWARD_QUEUE_PLACE',, `define(`HOMEWARD_QUEUE_PLACE', `/var/spool/mqueue')')
ifdef(`HOMEWARD_QUEUE_GLOB',, `define(`HOMEWARD_QUEUE_GLOB', `q*')')

dnl # How often each group is run, and how many messages of it are delivered at once at most.
dnl # Interval= is what makes MaxQueueChildren count for a daemon with -q; without it every run
dnl # starts new processes while old ones still wait for a slow store.
ifdef(`HOMEWARD_QUEUE_INTERVAL',, `define(`HOMEWARD_QUEUE_INTERVAL', `1m')')
ifdef(`HOMEWARD_QUEUE_RUNNERS',, `define(`HOMEWARD_QUEUE_RUNNERS', `4')')
ifdef(`HOMEWARD_STORE_INTERVAL',, `define(`HOMEWARD_STORE_INTERVAL', `10s')')
ifdef(`HOMEWARD_STORE_RUNNERS',, `define(`HOMEWARD_STORE_RUNNERS', `8')')
ifdef(`HOMEWARD_REMOTE_INTERVAL',, `define(`HOMEWARD_REMOTE_INTERVAL', `5m')')
ifdef(`HOMEWARD_REMOTE_RUNNERS',, `define(`HOMEWARD_REMOTE_RUNNERS', `8')')

dnl # All runners together; a daemon that has as many starts no further one.
ifdef(`confMAX_QUEUE_CHILDREN',, `define(`confMAX_QUEUE_CHILDREN',
	eval(HOMEWARD_QUEUE_RUNNERS + HOMEWARD_STORE_RUNNERS + HOMEWARD_REMOTE_RUNNERS))')

dnl # Counts for `mailq -bP' are kept in shared memory. Daemons with different queue directories
dnl # need different keys.
ifdef(`confSHARED_MEMORY_KEY',, `define(`confSHARED_MEMORY_KEY', `13520')')

define(`QUEUE_DIR', HOMEWARD_QUEUE_PLACE/HOMEWARD_QUEUE_GLOB)

dnl # Flags=f: the runners of a group work side by side, each on its share of the messages.
QUEUE_GROUP(`mqueue', `Path='HOMEWARD_QUEUE_PLACE/HOMEWARD_QUEUE_GLOB`, Flags=f, Interval='HOMEWARD_QUEUE_INTERVAL`, Runners='HOMEWARD_QUEUE_RUNNERS)
QUEUE_GROUP(`store', `Path='HOMEWARD_QUEUE_PLACE`/store/'HOMEWARD_QUEUE_GLOB`, Flags=f, Interval='HOMEWARD_STORE_INTERVAL`, Runners='HOMEWARD_STORE_RUNNERS)
QUEUE_GROUP(`remote', `Path='HOMEWARD_QUEUE_PLACE`/remote/'HOMEWARD_QUEUE_GLOB`, Flags=f, Interval='HOMEWARD_REMOTE_INTERVAL`, Runners='HOMEWARD_REMOTE_RUNNERS)

dnl # Which mailer's mail goes where. A message for two groups becomes two queue files with one
dnl # body between them (a hard link). mailer/homeward.m4 reads HOMEWARD_QUEUE_GROUP.
define(`HOMEWARD_QUEUE_GROUP', `store')
define(`LOCAL_MAILER_QGRP', `store')
define(`SMTP_MAILER_QGRP', `remote')
define(`ESMTP_MAILER_QGRP', `remote')
define(`SMTP8_MAILER_QGRP', `remote')
define(`DSMTP_MAILER_QGRP', `remote')
define(`RELAY_MAILER_QGRP', `remote')
divert(0)dnl
