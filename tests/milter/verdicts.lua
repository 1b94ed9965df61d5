-- Verdicts of one connection: known, unknown, disabled, somebody else's; the header at the end.
socket = os.getenv("MILTER_SOCKET")

function must(result, what)
  if result ~= nil then
    error(what .. " failed: " .. result)
  end
end

function expect(reply, what)
  if mt.getreply(conn) ~= reply then
    error(what .. ": unexpected reply " .. string.char(mt.getreply(conn)))
  end
end

conn = mt.connect(socket)
if conn == nil then
  error("cannot connect")
end
must(mt.conninfo(conn, "client.example.net", "192.0.2.7"), "conninfo")
expect(SMFIR_CONTINUE, "conninfo")

-- What it leaves out, and what it does not ask for.
for _, option in ipairs({SMFIP_NOHELO, SMFIP_NOHDRS, SMFIP_NOEOH, SMFIP_NOBODY, SMFIP_NODATA,
                         SMFIP_NOUNKNOWN}) do
  if not mt.test_option(conn, option) then
    error("a step is not left out: " .. option)
  end
end
if not mt.test_action(conn, SMFIF_ADDHDRS) then
  error("it does not want to add headers")
end
for _, action in ipairs({SMFIF_CHGBODY, SMFIF_ADDRCPT, SMFIF_DELRCPT, SMFIF_QUARANTINE}) do
  if mt.test_action(conn, action) then
    error("it wants more than it needs: " .. action)
  end
end

must(mt.macro(conn, SMFIC_MAIL, "i", "test-id"), "macro")
must(mt.mailfrom(conn, "<s@example.net>", "SIZE=100"), "mailfrom")
expect(SMFIR_CONTINUE, "mailfrom")

must(mt.rcptto(conn, "<u1@example.org>"), "rcptto")
expect(SMFIR_CONTINUE, "a known user")
must(mt.rcptto(conn, "<nobody@example.org>"), "rcptto")
expect(SMFIR_REPLYCODE, "an unknown user")
must(mt.rcptto(conn, "<off@example.org>"), "rcptto")
expect(SMFIR_REPLYCODE, "a disabled user")
must(mt.rcptto(conn, "<anybody@example.net>"), "rcptto")
expect(SMFIR_CONTINUE, "another domain")

must(mt.eom(conn), "eom")
expect(SMFIR_CONTINUE, "eom")
if not mt.eom_check(conn, MT_HDRINSERT, "X-Homeward-Route",
                    "mx1.example.org; store1/mail1 (1 recipient)", 1) then
  error("no trace header")
end
for _, change in ipairs({MT_BODYCHANGE, MT_QUARANTINE, MT_HDRCHANGE, MT_HDRDELETE, MT_HDRADD}) do
  if mt.eom_check(conn, change) then
    error("it changed something else")
  end
end
for _, address in ipairs({"<u1@example.org>", "<nobody@example.org>", "<off@example.org>"}) do
  if mt.eom_check(conn, MT_RCPTADD, address) or mt.eom_check(conn, MT_RCPTDELETE, address) then
    error("it changed the recipients")
  end
end
mt.disconnect(conn)
