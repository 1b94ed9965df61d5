#include "sendmail-cf/tool/progress.hpp"

namespace homeward::sendmail_cf {

void progress::print(const std::string& text) {
  if (is_terminal_) {
    to_ << '\r' << text << "\x1b[K" << std::flush;
    open_ = true;
  } else {
    to_ << text << std::endl;
  }
}

void progress::end() {
  if (open_) {
    to_ << '\n' << std::flush;
    open_ = false;
  }
}

} // namespace homeward::sendmail_cf
