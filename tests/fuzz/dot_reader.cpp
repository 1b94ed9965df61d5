// Any octets as what follows DATA: the message and its end do not depend on how they are cut, only
// CR LF . CR LF is an end, and stuffing is undone exactly.
#include "lib/mail/dot_reader.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

using homeward::mail::dot_reader;
using homeward::mail::dot_stuff;

namespace {

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

struct outcome {
  std::string body;
  std::size_t consumed = 0;
  bool finished = false;

  friend bool operator==(const outcome&, const outcome&) = default;
};

// Reads in pieces whose lengths come from `seed`: 0 for everything at once, 1 for single octets.
outcome read(std::string_view wire, std::uint32_t seed) {
  dot_reader reader;
  outcome out;
  std::uint32_t state = seed;
  while (out.consumed < wire.size() && !out.finished) {
    state = state * 1664525U + 1013904223U;
    const std::size_t length = seed == 0 ? wire.size() : seed == 1 ? 1 : 1 + (state >> 24U) % 9;
    const dot_reader::step step = reader.read(wire.substr(out.consumed, length));
    require(step.consumed > 0 || !step.body.empty(), "progress");
    out.body += step.body;
    out.consumed += step.consumed;
    out.finished = step.finished;
  }
  return out;
}

// The same by searching, the simple way: where the end is, and each line without its first dot.
outcome read_by_searching(std::string_view wire) {
  outcome out;
  const std::string text = "\r\n" + std::string(wire);
  const std::size_t end = text.find("\r\n.\r\n");
  out.finished = end != std::string::npos;
  out.consumed = out.finished ? end + 3 : wire.size();
  std::string_view rest = wire.substr(0, out.finished ? end : wire.size());
  while (!rest.empty()) {
    const std::size_t line_end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, line_end == rest.npos ? rest.npos : line_end + 2);
    const bool undecided = line_end == rest.npos && (line == "." || line == ".\r");
    if (!undecided) {
      out.body += line.substr(line.starts_with('.') ? 1 : 0);
    }
    rest.remove_prefix(line.size());
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const outcome whole = read(wire, 0);
  require(whole == read(wire, 1), "the same octet by octet");
  require(whole == read(wire, 2U + data[0]), "the same in any pieces");
  require(whole == read_by_searching(wire), "the same as by searching");

  const std::string stuffed = dot_stuff(wire);
  const outcome back = read(stuffed + "NOOP\r\n", 2U + data[0]);
  const bool complete = wire.empty() || wire.ends_with("\r\n");
  require(back.finished && back.consumed == stuffed.size(), "a stuffed message ends at its end");
  require(back.body == std::string(wire) + (complete ? "" : "\r\n"), "stuffing is undone");
  return 0;
}
