#include "lib/net/listener_settings.hpp"

#include <boost/asio/ip/address.hpp>

namespace homeward::net {

config::table<listener_settings> listener_table(const std::string& example,
                                                const std::string& who_comes) {
  config::table<listener_settings> t{"listener"};
  t.add("address", &listener_settings::address,
        {.doc = "HOST:PORT with a numeric address, localhost or * (all addresses), or unix:/PATH.",
         .example = example,
         .required = true,
         .check = check_endpoint});
  t.add("mode", &listener_settings::mode,
        {.doc = "The mode of a unix socket, octal. Whoever may open it may " + who_comes + ".",
         .check = check_mode});
  return t;
}

mode_t parse_mode(const std::string& octal) {
  mode_t mode = 0;
  for (const char c : octal) {
    mode = mode * 8 + static_cast<mode_t>(c - '0');
  }
  return mode;
}

std::string check_endpoint(const std::string& address) {
  const auto parsed = parse_endpoint(address);
  if (!parsed) {
    return "cannot be listened on: " + parsed.error().what;
  }
  // A name may have many addresses, and changes without the file: which one is meant?
  boost::system::error_code not_numeric;
  boost::asio::ip::make_address(parsed->host, not_numeric);
  const bool known = parsed->is_unix() || parsed->host == "localhost" || parsed->host == "*";
  return known || !not_numeric
             ? ""
             : "cannot be listened on: the host is a name; write a numeric address, localhost or *";
}

std::string check_mode(const std::string& octal) {
  const bool digits = octal.find_first_not_of("01234567") == std::string::npos;
  const bool good = digits && (octal.size() == 3 || (octal.size() == 4 && octal.front() == '0'));
  return good ? "" : "is not a file mode; write it as 0660";
}

std::string check_absolute_path(const std::string& path) {
  return path.starts_with('/') && path.find('\0') == std::string::npos
             ? ""
             : "is not an absolute path; write it as /srv/mail1";
}

} // namespace homeward::net
