divert(-1)
dnl # The site's own part of a queue farm's configuration: /etc/mail/homeward-farm/site.m4, read by
dnl # acceptor.mc, tier1.mc and tier2.mc. It is your sendmail.mc without its first include, its
dnl # MAILER() lines and what follows them (that goes into rules.m4 beside this file).
dnl # HOMEWARD_CF is the folder sendmail-cf.
divert(0)dnl
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
FEATURE(`no_default_msa')dnl
dnl # The acceptor listens there; the tiers, started with -qp, listen nowhere.
DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Port=smtp')dnl
FEATURE(`use_cw_file')dnl
FEATURE(`access_db', `hash -T<TMPF> /etc/mail/access')dnl
dnl # Layout 2: example.org is in local-host-names; aliases first, then the bridge.
define(`HOMEWARD_LOCAL_DOMAIN', `example.org')dnl
dnl # This host also sends to the Internet.
define(`confTO_DATAFINAL', `10m')dnl
include(HOMEWARD_CF/feature/homeward.m4)dnl
include(HOMEWARD_CF/feature/homeward_tuning.m4)dnl
dnl # Other filters go before this line.
include(HOMEWARD_CF/feature/homeward_milter.m4)dnl
