#include "lib/base/sabotage.hpp"

#ifdef HOMEWARD_SABOTAGE

#include <array>
#include <bitset>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace homeward::sabotage {

namespace {

constexpr std::array all = {fault::s1_ack_before_sync,           fault::s2_skip_checkpoint_sync,
                            fault::s3_existence_only_recovery,   fault::s4_ignore_sync_error_once,
                            fault::s5_reopen_and_retry_sync,     fault::s6_no_crc_check,
                            fault::s7_reuse_bad_connection,      fault::s11_forget_identities,
                            fault::s12_path_check_on_string_only};

struct choice {
  std::string text;
  std::bitset<32> on;
};

choice read_environment() {
  choice chosen;
  if (const char* text = std::getenv("HOMEWARD_SABOTAGE"); text != nullptr) {
    chosen.text = text;
  }
  std::string_view rest = chosen.text;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(','));
    rest.remove_prefix(word.size() == rest.size() ? rest.size() : word.size() + 1);
    bool known = false;
    for (const fault f : all) {
      if (word == "S" + std::to_string(static_cast<unsigned>(f))) {
        chosen.on.set(static_cast<unsigned>(f));
        known = true;
      }
    }
    if (!known) {
      std::fprintf(stderr, "HOMEWARD_SABOTAGE=%s: no switch is called '%.*s'\n",
                   chosen.text.c_str(), static_cast<int>(word.size()), word.data());
      std::exit(2);
    }
  }
  return chosen;
}

const choice& chosen() {
  static const choice once = read_environment();
  return once;
}

} // namespace

bool is_on(fault f) {
  return chosen().on.test(static_cast<unsigned>(f));
}

std::string_view switched_on() {
  return chosen().text;
}

} // namespace homeward::sabotage

#endif
