#pragma once
// A line that tells how far a program is: rewritten in place on a terminal, a new line every ten
// seconds elsewhere.

#include <chrono>
#include <ostream>
#include <string>

namespace homeward::sendmail_cf {

// One thread. Does nothing unless it was asked for.
class progress {
 public:
  progress(std::ostream& to, bool wanted, bool is_terminal)
      : to_(to), wanted_(wanted), is_terminal_(is_terminal) {}
  ~progress() { end(); }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  // Cheap when nothing is due: may be called for every message.
  template <class Text>
  void show(Text text) {
    const auto now = std::chrono::steady_clock::now();
    const auto pause =
        is_terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10000);
    if (wanted_ && now - last_ >= pause) {
      last_ = now;
      print(text());
    }
  }
  // Ends the line on a terminal, so that something else can be printed.
  void end();

 private:
  void print(const std::string& text);

  std::ostream& to_;
  bool wanted_;
  bool is_terminal_;
  bool open_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

} // namespace homeward::sendmail_cf
