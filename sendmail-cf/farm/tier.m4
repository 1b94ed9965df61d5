divert(-1)
dnl # Homeward: what the three configurations of the queue farm have in common. Included by
dnl # acceptor.mc, tier1.mc and tier2.mc, which homeward-farm build turns into
dnl # /etc/mail/homeward-farm/{acceptor,tier1,tier2}.cf.
dnl #
dnl # Why three files and not one with options on the command line: sendmail refuses another
dnl # QueueDirectory for a configuration with queue groups, and without groups Runners= and
dnl # Interval=, the limits that really limit, cannot be had.

dnl # homeward-farm says where things are.
ifdef(`HOMEWARD_CF',, `define(`HOMEWARD_CF', `/usr/share/homeward/sendmail-cf')')
ifdef(`HOMEWARD_CF_M4',, `define(`HOMEWARD_CF_M4', `/usr/share/sendmail/cf/m4/cf.m4')')
ifdef(`HOMEWARD_FARM_ETC',, `define(`HOMEWARD_FARM_ETC', `/etc/mail/homeward-farm')')
ifdef(`HOMEWARD_FARM_RUN',, `define(`HOMEWARD_FARM_RUN', `/run/homeward-farm')')
ifdef(`HOMEWARD_FARM_SPOOL',, `define(`HOMEWARD_FARM_SPOOL', `/var/spool')')

dnl # The site's own part: OSTYPE, DOMAIN, features, feature/homeward.m4. The same for all three:
dnl # a tier must route exactly as the acceptor promised.
divert(0)dnl
include(HOMEWARD_CF_M4)dnl
include(HOMEWARD_FARM_ETC/site.m4)dnl
divert(-1)

ifdef(`HOMEWARD_SOCKET',,
	`errprint(`*** ERROR: site.m4 must include feature/homeward.m4
')')
ifdef(`_HOMEWARD_QUEUES_',
	`errprint(`*** ERROR: the tiers have their own queue directories; leave feature/homeward_queues.m4 out of site.m4
')')
ifdef(`_MAILER_DEFINED_',
	`errprint(`*** ERROR: site.m4 must not have MAILER() lines; the farm adds local and smtp, others go into rules.m4
')')

dnl # Tier 1 takes new mail, tier 2 what has waited long. Both on one file system: then
dnl # homeward-requeue moves a message by renaming it.
define(`HOMEWARD_TIER1_QUEUES', HOMEWARD_FARM_SPOOL/mqueue/q*)
define(`HOMEWARD_TIER2_QUEUES', HOMEWARD_FARM_SPOOL/mqueue2/q*)

dnl # How often a tier looks at its queues, and how many messages it delivers at once. define
dnl # them in site.m4 for other values.
ifdef(`HOMEWARD_TIER1_INTERVAL',, `define(`HOMEWARD_TIER1_INTERVAL', `10s')')
ifdef(`HOMEWARD_TIER1_RUNNERS',, `define(`HOMEWARD_TIER1_RUNNERS', `128')')
ifdef(`HOMEWARD_TIER2_INTERVAL',, `define(`HOMEWARD_TIER2_INTERVAL', `10m')')
ifdef(`HOMEWARD_TIER2_RUNNERS',, `define(`HOMEWARD_TIER2_RUNNERS', `64')')

dnl # One pid file each: sendmail locks it, and a second daemon would run without one.
define(`confPID_FILE', HOMEWARD_FARM_RUN/HOMEWARD_TIER.pid)

dnl # One shared memory key each: daemons with different queue directories cannot share one
dnl # ("can't attach to shared memory"). `mailq -bP -C tier1.cf' reads the counts.
define(`confSHARED_MEMORY_KEY', eval(ifdef(`HOMEWARD_FARM_KEY', HOMEWARD_FARM_KEY, 13521) + HOMEWARD_TIER_NUMBER))

dnl # What `ps' shows.
define(`confPROCESS_TITLE_PREFIX', HOMEWARD_TIER)

dnl # The control socket belongs to the distribution's daemon.
define(`confCONTROL_SOCKET_NAME', `')
divert(0)dnl
