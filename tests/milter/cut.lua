-- Connections that are cut in every stage, without a word; others go on.
socket = os.getenv("MILTER_SOCKET")
steady = mt.connect(socket)
if steady == nil or mt.conninfo(steady, "steady.example.net", "192.0.2.8") ~= nil then
  error("cannot connect")
end

for stage = 0, 4 do
  local conn = mt.connect(socket)
  if conn == nil then
    error("cannot connect")
  end
  if stage > 0 and mt.conninfo(conn, "cut.example.net", "192.0.2.7") ~= nil then
    error("conninfo")
  end
  if stage > 1 and mt.mailfrom(conn, "<s@example.net>") ~= nil then
    error("mailfrom")
  end
  if stage > 2 and mt.rcptto(conn, "<u1@example.org>") ~= nil then
    error("rcptto")
  end
  if stage > 3 and mt.eom(conn) ~= nil then
    error("eom")
  end
  mt.disconnect(conn, false)
end

if mt.mailfrom(steady, "<s@example.net>") ~= nil or
   mt.rcptto(steady, "<nobody@example.org>") ~= nil or
   mt.getreply(steady) ~= SMFIR_REPLYCODE then
  error("the others were disturbed")
end
mt.disconnect(steady)
