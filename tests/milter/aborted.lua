-- Messages that end before their end, on one connection; the next one is not touched by them.
socket = os.getenv("MILTER_SOCKET")
conn = mt.connect(socket)
if conn == nil or mt.conninfo(conn, "client.example.net", "192.0.2.7") ~= nil then
  error("cannot connect")
end

function mail()
  if mt.mailfrom(conn, "<s@example.net>") ~= nil or mt.getreply(conn) ~= SMFIR_CONTINUE then
    error("mailfrom")
  end
end

function rcpt(address)
  if mt.rcptto(conn, address) ~= nil or mt.getreply(conn) ~= SMFIR_CONTINUE then
    error("rcptto " .. address)
  end
end

mail()
mt.abort(conn)
mail()
rcpt("<u1@example.org>")
mt.abort(conn)
mail()
rcpt("<anybody@example.net>")
if mt.eom(conn) ~= nil or mt.getreply(conn) ~= SMFIR_CONTINUE then
  error("eom")
end
if mt.eom_check(conn, MT_HDRINSERT) then
  error("the header counts a recipient of an aborted message")
end
mt.disconnect(conn)
