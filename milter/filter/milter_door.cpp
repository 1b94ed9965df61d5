#include "milter/filter/milter_door.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <exception>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <libmilter/mfapi.h>

#include "lib/base/log.hpp"
#include "lib/net/service_manager.hpp"

#include "milter/filter/libmilter_log.hpp"
#include "milter/filter/log_queue.hpp"

namespace homeward::milter {

namespace {

using namespace std::chrono_literals;

// What we do not want to see, and so do not cost the MTA a round trip for.
constexpr unsigned long unwanted_steps =
    SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NOUNKNOWN;

// One connection of an MTA.
struct connection {
  explicit connection(filter_parts parts) : session(std::move(parts)) {}
  filter_session session;
  bool counted_message = false;
};

// Of the one door, for the callbacks. Never destroyed: libmilter's threads outlive the door.
struct door_state {
  explicit door_state(filter_parts p) : parts(std::move(p)) {}
  const filter_parts parts;
  std::atomic<std::size_t> callbacks{0}; // running now
  std::atomic<bool> closed{false};       // callbacks may not touch `parts` any more
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> messages{0}; // between MAIL and their end
  std::atomic<bool> expects_end{false}; // of libmilter
  log_queue lines;
};
std::atomic<door_state*> the_state{nullptr};

// Lets a callback in, unless the door has closed for good.
class inside {
 public:
  explicit inside(door_state& s) : state_(s) {
    ++state_.callbacks;
    may_ = !state_.closed;
  }
  ~inside() { --state_.callbacks; }
  inside(const inside&) = delete;
  inside& operator=(const inside&) = delete;
  explicit operator bool() const { return may_; }

 private:
  door_state& state_;
  bool may_ = false;
};

connection* connection_of(SMFICTX* context) {
  return static_cast<connection*>(::smfi_getpriv(context));
}

connection& made_connection(SMFICTX* context, door_state& state) {
  connection* c = connection_of(context);
  if (c == nullptr) {
    auto fresh = std::make_unique<connection>(state.parts);
    ::smfi_setpriv(context, fresh.get());
    c = fresh.release();
    ++state.connections;
  }
  return *c;
}

void count_message(door_state& state, connection& c) {
  const bool has = c.session.has_message();
  if (has != std::exchange(c.counted_message, has)) {
    has ? ++state.messages : --state.messages;
  }
}

void note_exception(door_state& state, const char* step, const char* what) noexcept {
  try {
    state.lines.post([step, error = std::string(what)] {
      log::error("milter callback failed; the client was told to try later",
                 {{"step", step}, {"error", error}});
    });
  } catch (...) { // no memory even for that; the answer is what counts
    return;
  }
}

// The one place where exceptions end. `work` gets the state and the connection.
template <class Work>
sfsistat guarded(SMFICTX* context, const char* step, Work work) noexcept {
  door_state& state = *the_state;
  const inside entered(state);
  if (!entered) {
    return SMFIS_TEMPFAIL;
  }
  try {
    connection& c = made_connection(context, state);
    const sfsistat status = work(c);
    count_message(state, c);
    return status;
  } catch (const std::exception& e) {
    note_exception(state, step, e.what());
  } catch (...) {
    note_exception(state, step, "something that is no exception");
  }
  return SMFIS_TEMPFAIL;
}

std::string_view macro(SMFICTX* context, const char* name) {
  std::string spelled(name);
  const char* value = ::smfi_getsymval(context, spelled.data());
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::string address_of(const sockaddr* peer) {
  char text[INET6_ADDRSTRLEN] = {};
  if (peer != nullptr && peer->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(peer);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
  } else if (peer != nullptr && peer->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(peer);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  }
  return text;
}

std::vector<std::string_view> arguments(char** argv) {
  std::vector<std::string_view> all;
  for (; argv != nullptr && *argv != nullptr; ++argv) {
    all.emplace_back(*argv);
  }
  return all;
}

// Libmilter reads the text like a format of printf(3), and refuses line breaks.
std::string safe_text(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    safe += c >= ' ' && c <= '~' ? c : '?';
    if (c == '%') {
      safe += '%';
    }
  }
  return safe;
}

sfsistat tell(SMFICTX* context, const mail::reply& reply) {
  std::string code = fmt::format("{}", reply.code.code);
  std::string enhanced =
      fmt::format("{}.{}.{}", reply.code.status_class, reply.code.subject, reply.code.detail);
  std::string text = safe_text(reply.text);
  if (::smfi_setreply(context, code.data(), enhanced.data(), text.data()) != MI_SUCCESS) {
    the_state.load()->lines.post([text] {
      log::warning("libmilter did not take a reply, the MTA uses its own words", {{"reply", text}});
    });
  }
  return reply.code.is_permanent() ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

void ask_for_macros(SMFICTX* context) {
  const std::pair<int, const char*> wanted[] = {{SMFIM_CONNECT, "j"},
                                                {SMFIM_ENVFROM, "i {auth_authen}"},
                                                {SMFIM_ENVRCPT, "i {rcpt_mailer}"},
                                                {SMFIM_EOM, "i"}};
  for (const auto& [where, names] : wanted) {
    std::string spelled(names);
    ::smfi_setsymlist(context, where, spelled.data());
  }
}

sfsistat on_negotiate(SMFICTX* context, unsigned long actions, unsigned long steps,
                      unsigned long /*unused*/, unsigned long /*unused*/,
                      unsigned long* our_actions, unsigned long* our_steps,
                      unsigned long* reserved_1, unsigned long* reserved_2) {
  *our_actions = actions & (SMFIF_ADDHDRS | SMFIF_SETSYMLIST);
  *our_steps = steps & unwanted_steps;
  *reserved_1 = 0;
  *reserved_2 = 0;
  return guarded(context, "negotiate", [&](connection&) {
    if ((actions & SMFIF_SETSYMLIST) != 0) {
      ask_for_macros(context);
    }
    return SMFIS_CONTINUE;
  });
}

sfsistat on_connect(SMFICTX* context, char* /*host*/, sockaddr* peer) {
  return guarded(context, "connect", [&](connection& c) {
    c.session.connected(address_of(peer));
    return SMFIS_CONTINUE;
  });
}

sfsistat on_mail(SMFICTX* context, char** argv) {
  return guarded(context, "mail", [&](connection& c) {
    const std::vector<std::string_view> words = arguments(argv);
    c.session.mail(
        {.path = words.empty() ? std::string_view() : words.front(),
         .parameters = words.empty() ? words : std::vector(words.begin() + 1, words.end()),
         .authenticated = macro(context, "{auth_authen}")});
    return SMFIS_CONTINUE;
  });
}

void note_refusal(SMFICTX* context, const connection& c, std::string_view path,
                  const filter_answer& answer) {
  if (!log::enabled(log::level::info)) {
    return;
  }
  the_state.load()->lines.post(
      [permanent = answer.reply->code.is_permanent(), recipient = std::string(path),
       why = answer.why, code = answer.reply->code.code, sender = std::string(c.session.sender()),
       client = c.session.client_address(), id = std::string(macro(context, "i"))] {
        log::info(permanent ? "recipient refused" : "recipient put off", {{"recipient", recipient},
                                                                          {"reason", why},
                                                                          {"reply", code},
                                                                          {"sender", sender},
                                                                          {"client", client},
                                                                          {"id", id}});
      });
}

sfsistat on_recipient(SMFICTX* context, char** argv) {
  return guarded(context, "rcpt", [&](connection& c) -> sfsistat {
    const std::string_view path = argv != nullptr && *argv != nullptr ? *argv : "";
    const filter_answer answer =
        c.session.recipient({.path = path, .mailer = macro(context, "{rcpt_mailer}")});
    if (!answer.reply) {
      return SMFIS_CONTINUE;
    }
    note_refusal(context, c, path, answer);
    return tell(context, *answer.reply);
  });
}

// A message without its trace header is better than none.
void add_route(SMFICTX* context, std::string route) {
  std::string name(route_header);
  // Behind the first one, which is the MTA's own Received.
  if (::smfi_insheader(context, 1, name.data(), route.data()) != MI_SUCCESS) {
    the_state.load()->lines.post([id = std::string(macro(context, "i"))] {
      log::warning("cannot add the trace header", {{"id", id}});
    });
  }
}

sfsistat on_end(SMFICTX* context) {
  return guarded(context, "end of message", [&](connection& c) -> sfsistat {
    end_answer answer = c.session.end_of_message();
    if (answer.reply) {
      return tell(context, *answer.reply);
    }
    if (!answer.route.empty()) {
      add_route(context, std::move(answer.route));
    }
    return SMFIS_CONTINUE;
  });
}

sfsistat on_abort(SMFICTX* context) {
  return guarded(context, "abort", [](connection& c) {
    c.session.aborted();
    return SMFIS_CONTINUE;
  });
}

sfsistat on_close(SMFICTX* context) {
  door_state& state = *the_state;
  const inside entered(state);
  const std::unique_ptr<connection> c(connection_of(context));
  if (c) {
    ::smfi_setpriv(context, nullptr);
    c->session.aborted();
    count_message(state, *c);
    --state.connections;
  }
  return SMFIS_CONTINUE;
}

smfiDesc description_for_libmilter() {
  static char name[] = "homeward-milter";
  smfiDesc d{};
  d.xxfi_name = name;
  d.xxfi_version = SMFI_VERSION;
  d.xxfi_flags = SMFIF_ADDHDRS | SMFIF_SETSYMLIST;
  d.xxfi_connect = on_connect;
  d.xxfi_envfrom = on_mail;
  d.xxfi_envrcpt = on_recipient;
  d.xxfi_eom = on_end;
  d.xxfi_abort = on_abort;
  d.xxfi_close = on_close;
  d.xxfi_negotiate = on_negotiate;
  return d;
}

failure libmilter_refused(const std::string& what) {
  return transient_failure("cannot open the milter door", what,
                           "What libmilter says about it stands above in the log.");
}

} // namespace

milter_door::milter_door(milter_door_settings s, filter_parts parts, net::io_threads& threads,
                         std::function<void()> failed)
    : settings_(std::move(s)), threads_(threads), failed_(std::move(failed)) {
  the_state = std::make_unique<door_state>(std::move(parts)).release();
}

milter_door::~milter_door() {
  door_state& state = *the_state;
  state.expects_end = true;
  state.closed = true;
  while (state.callbacks != 0) {
    std::this_thread::sleep_for(1ms);
  }
  state.lines.flush(2s);
}

std::string milter_door::description() const {
  return "milter on " + (socket_ ? socket_->description() : settings_.listen.address);
}

result<void> milter_door::open() {
  the_state.load()->lines.start();
  take_over_libmilter_log(the_state.load()->lines);
  auto socket = listening_socket::open(threads_.context(), settings_.listen);
  if (!socket) {
    return socket.error();
  }
  socket_.emplace(std::move(*socket));
  std::string place = socket_->for_libmilter();
  if (::smfi_setconn(place.data()) != MI_SUCCESS) {
    return libmilter_refused("smfi_setconn");
  }
  if (::smfi_register(description_for_libmilter()) != MI_SUCCESS) {
    return libmilter_refused("smfi_register");
  }
  if (::smfi_opensocket(false) != MI_SUCCESS) {
    return libmilter_refused("smfi_opensocket");
  }
  return {};
}

// The thread and libmilter's others end with the process: smfi_stop() would wait up to five seconds
// for a lock that libmilter holds while it polls, and by then nothing is left for it to stop.
void milter_door::start() {
  std::thread([failed = failed_] {
    const int status = ::smfi_main();
    if (!the_state.load()->expects_end) {
      log::error("libmilter has given up", {{"status", status},
                                            {"next", "see what it said above; the daemon ends so "
                                                     "that the service manager starts it again"}});
      failed();
    }
  }).detach();
}

void milter_door::stop_accepting() {
  stopping_since_ = std::chrono::steady_clock::now();
  the_state.load()->expects_end = true;
  socket_->hand_over();
}

void milter_door::finish() {
  const door_state& state = *the_state;
  const auto waited = [this] { return std::chrono::steady_clock::now() - stopping_since_; };
  const auto more = [&] {
    return (state.messages != 0 && waited() < settings_.grace) ||
           ((state.connections != 0 || socket_->somebody_waits()) &&
            waited() < settings_.idle_grace) ||
           waited() < settings_.settling;
  };
  while (more()) {
    net::notify_alive();
    std::this_thread::sleep_for(10ms);
  }
  if (state.connections != 0) {
    log::notice("milter connections are cut",
                {{"connections", state.connections.load()},
                 {"messages", state.messages.load()},
                 {"next", "none if messages is 0; else the MTA answers 451 and clients repeat"}});
  }
}

} // namespace homeward::milter
