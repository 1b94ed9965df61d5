#include "tests/fuzz/lmtp_server_model.hpp"

#include <algorithm>
#include <map>

#include "lib/mail/address.hpp"
#include "lib/mail/reverse_path.hpp"

namespace homeward::lmtp_model {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : std::string(text) + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  return words;
}

class server {
 public:
  server(std::string_view input, const lmtp::limits& limits) : input_(input), limits_(limits) {}

  result run() {
    say("220");
    while (!closed_ && input_.find('\n') != std::string_view::npos) {
      const std::size_t end = input_.find('\n');
      const std::string_view line = input_.substr(0, end + 1);
      input_.remove_prefix(end + 1);
      take_line(line);
    }
    out_.closed_by_server = closed_;
    return std::move(out_);
  }

 private:
  struct rcpt {
    std::string mailbox;
  };

  void say(const std::string& code) { out_.codes.push_back(code); }

  void close_with(const std::string& code) {
    say(code);
    closed_ = true;
  }

  void error(const std::string& code) {
    say(code);
    if (++errors_ == limits_.errors) {
      close_with("421 4.7.0");
    }
  }

  void take_line(std::string_view line) {
    const bool controls =
        std::any_of(line.begin(), line.end() - std::min<std::ptrdiff_t>(2, std::ssize(line)),
                    [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; });
    if (line.size() > limits_.command_line || !line.ends_with("\r\n") || controls) {
      error("500 5.5.2");
      return;
    }
    line.remove_suffix(2);
    while (line.ends_with(' ')) {
      line.remove_suffix(1);
    }
    const std::string verb = upper(line.substr(0, line.find(' ')));
    std::string_view argument = line.substr(verb.size());
    while (argument.starts_with(' ')) {
      argument.remove_prefix(1);
    }
    take_command(verb, argument);
  }

  void take_command(const std::string& verb, std::string_view argument) {
    const auto is_one_of = [&](std::initializer_list<const char*> verbs) {
      return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
    };
    if (is_one_of({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"})) {
      close_with("421 4.7.0");
      return;
    }
    const bool idle =
        is_one_of({"LHLO", "RSET", "NOOP", "XFORWARD", "VRFY", "HELP", "HELO", "EHLO"});
    if (!idle && !is_one_of({"MAIL", "RCPT", "DATA", "QUIT"})) {
      error("500 5.5.1");
      return;
    }
    if (idle && ++idle_ > limits_.idle_commands) {
      close_with("421 4.7.0");
      return;
    }
    const bool in_order = verb == "MAIL" || verb == "XFORWARD" ? greeted_ && !sender_
                          : verb == "RCPT" || verb == "DATA"   ? sender_
                                                               : true;
    const std::string code = in_order ? answer(verb, argument) : "503 5.5.1";
    settle(verb, code);
  }

  // Says the code and counts it.
  void settle(const std::string& verb, const std::string& code) {
    const bool accepted = code[0] == '2' || code[0] == '3';
    const bool follower = verb == "RCPT" || verb == "DATA";
    const bool excused = follower && code.starts_with("503") && (sender_ || mail_refused_);
    if (!accepted && code.substr(4, 3) == "5.5" && !excused) {
      error(code);
    } else if (verb == "LHLO" && accepted) {
      for (int i = 0; i < 6; ++i) {
        say("250-");
      }
      say("250");
    } else if (verb == "HELP" && accepted) {
      say("214-2.0.0");
      say(code);
    } else {
      say(code);
    }
    if (accepted) {
      mail_refused_ = false;
    } else if (verb == "MAIL" && greeted_ && !sender_) {
      mail_refused_ = true;
    }
    if (verb == "QUIT" && accepted) {
      closed_ = true;
    } else if (verb == "DATA" && accepted && !closed_) {
      take_message();
    }
  }

  std::string answer(const std::string& verb, std::string_view argument) {
    if (verb == "LHLO") {
      if (argument.empty() || argument.size() > 255 || argument.find(' ') != argument.npos) {
        return "501 5.5.4";
      }
      forget();
      greeted_ = true;
      return "250";
    }
    if (verb == "HELO" || verb == "EHLO") {
      return "500 5.5.1";
    }
    if (verb == "VRFY") {
      return argument.empty() ? "501 5.5.4" : "252 2.5.2";
    }
    if (verb == "XFORWARD") {
      return xforward(argument);
    }
    if (verb == "MAIL") {
      return mail(argument);
    }
    if (verb == "RCPT") {
      return rcpt_to(argument);
    }
    if ((verb == "RSET" || verb == "QUIT" || verb == "DATA") && !argument.empty()) {
      return "501 5.5.4";
    }
    if (verb == "RSET" || verb == "QUIT") {
      forget();
    }
    if (verb == "DATA") {
      return rcpts_.empty() ? "503 5.5.1" : "354";
    }
    return verb == "QUIT" ? "221 2.0.0" : verb == "HELP" ? "214 2.0.0" : "250 2.0.0";
  }

  static std::string xforward(std::string_view argument) {
    const std::vector<std::string> words = words_of(argument);
    for (const std::string& word : words) {
      const std::size_t at = word.find('=');
      const std::string name = upper(word.substr(0, at));
      static const std::vector<std::string> known{"NAME", "ADDR",  "PORT",  "PROTO",
                                                  "HELO", "IDENT", "SOURCE"};
      if (at == word.npos || std::find(known.begin(), known.end(), name) == known.end()) {
        return "501 5.5.4";
      }
      std::size_t length = 0;
      for (std::size_t i = at + 1; i < word.size(); ++i, ++length) {
        if (word[i] == '+') {
          const auto hex = [&](std::size_t k) {
            return k < word.size() && std::string_view("0123456789abcdefABCDEF").find(word[k]) !=
                                          std::string_view::npos;
          };
          if (!hex(i + 1) || !hex(i + 2)) {
            return "501 5.5.4";
          }
          i += 2;
        }
      }
      if (length > 255) {
        return "501 5.5.4";
      }
    }
    return words.empty() ? "501 5.5.4" : "250 2.0.0";
  }

  // The path behind `keyword`, and the words behind the path; none if the command is malformed.
  static std::optional<std::pair<std::string, std::vector<std::string>>>
  path_of(std::string_view argument, std::string_view keyword) {
    if (upper(argument.substr(0, keyword.size())) != keyword) {
      return std::nullopt;
    }
    argument.remove_prefix(keyword.size());
    while (argument.starts_with(' ')) {
      argument.remove_prefix(1);
    }
    const auto split = mail::split_path(argument);
    if (!split || (!split->rest.empty() && split->rest[0] != ' ')) {
      return std::nullopt;
    }
    return std::pair{std::string(split->path), words_of(split->rest)};
  }

  std::string mail(std::string_view argument) {
    const auto path = path_of(argument, "FROM:");
    if (!path) {
      return "501 5.5.4";
    }
    bool utf8 = false;
    bool sized = false;
    for (const std::string& word : path->second) {
      const std::string parameter = upper(word);
      if (parameter.starts_with("SIZE=") || parameter == "SIZE") {
        const std::string digits = word.size() > 5 ? word.substr(5) : "";
        if (sized || digits.empty() || digits.size() > 20 ||
            digits.find_first_not_of("0123456789") != digits.npos) {
          return "501 5.5.4";
        }
        sized = true;
        if (digits.size() == 20 ? digits >= "10000000000000000000"
                                : std::stoull(digits) > limits_.message_size.octets) {
          return "552 5.3.4";
        }
        if (digits.size() == 20 && std::stoull(digits.substr(1)) > limits_.message_size.octets) {
          return "552 5.3.4";
        }
      } else if (parameter == "BODY=8BITMIME" || parameter == "BODY=7BIT") {
        continue;
      } else if (parameter.starts_with("BODY=") || parameter == "BODY") {
        return "501 5.5.4";
      } else if (parameter == "SMTPUTF8") {
        utf8 = true;
      } else {
        return "555 5.5.4";
      }
    }
    const auto sender =
        mail::parse_reverse_path(path->first, utf8 ? mail::charset::utf8 : mail::charset::ascii);
    if (!sender) {
      return sender.error() == mail::address_fault::needs_smtputf8 ? "553 5.6.7" : "501 5.1.7";
    }
    sender_ = true;
    utf8_ = utf8;
    return "250 2.1.0";
  }

  std::string rcpt_to(std::string_view argument) {
    const auto path = path_of(argument, "TO:");
    if (!path) {
      return "501 5.5.4";
    }
    if (!path->second.empty()) {
      return "555 5.5.4";
    }
    const auto a =
        mail::parse_path(path->first, utf8_ ? mail::charset::utf8 : mail::charset::ascii);
    if (!a) {
      return a.error() == mail::address_fault::needs_smtputf8 ? "553 5.6.7" : "501 5.1.3";
    }
    if (rcpts_.size() == limits_.recipients) {
      return "452 4.5.3";
    }
    if (a->local[0] == 'u') {
      return "550 5.1.1";
    }
    if (a->local[0] == 't') {
      return "451 4.3.0";
    }
    rcpts_.push_back({mailbox_for(a->local, a->domain)});
    return "250 2.1.5";
  }

  void take_message() {
    const std::string text = "\r\n" + std::string(input_);
    const std::size_t end = text.find("\r\n.\r\n");
    const bool complete = end != text.npos;
    std::string_view raw = input_.substr(0, complete ? end : input_.size());
    message m;
    while (!raw.empty()) {
      const std::size_t line_end = raw.find("\r\n");
      const std::string_view line = raw.substr(0, line_end == raw.npos ? raw.npos : line_end + 2);
      if (line_end != raw.npos || (line != "." && line != ".\r")) {
        m.octets += line.substr(line[0] == '.' ? 1 : 0);
      }
      raw.remove_prefix(line.size());
    }
    const std::size_t limit = limits_.message_size.octets;
    if (m.octets.size() > limit + limits_.surplus.octets) {
      close_with("421 4.3.4");
    } else if (complete) {
      finish(m, m.octets.size() > limit);
    }
    input_.remove_prefix(complete ? end + 3 : input_.size());
  }

  void finish(message& m, bool too_big) {
    for (const rcpt& r : rcpts_) {
      const char fate = r.mailbox[0];
      const std::string code = too_big       ? "552 5.3.4"
                               : fate == 'q' ? "452 4.2.2"
                               : fate == 'f' ? "452 4.3.1"
                                             : "250 2.0.0";
      say(code);
      if (code[0] == '2') {
        errors_ = 0;
        idle_ = 0;
      }
      if (std::find(m.mailboxes.begin(), m.mailboxes.end(), r.mailbox) == m.mailboxes.end()) {
        m.mailboxes.push_back(r.mailbox);
      }
    }
    if (!too_big) {
      out_.messages.push_back(std::move(m));
    }
    forget();
  }

  void forget() {
    sender_ = false;
    utf8_ = false;
    rcpts_.clear();
  }

  std::string_view input_;
  const lmtp::limits& limits_;
  result out_;
  bool closed_ = false;
  bool greeted_ = false;
  bool sender_ = false;
  bool utf8_ = false;
  bool mail_refused_ = false;
  std::vector<rcpt> rcpts_;
  std::size_t errors_ = 0;
  std::size_t idle_ = 0;
};

} // namespace

std::string mailbox_for(const std::string& local, const std::string& domain) {
  return mail::to_string({.local = local.substr(0, local.find('+', 1)), .domain = domain});
}

result converse(std::string_view input, const lmtp::limits& limits) {
  return server(input, limits).run();
}

} // namespace homeward::lmtp_model
