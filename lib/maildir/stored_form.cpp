#include "lib/maildir/stored_form.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

namespace homeward::maildir {

namespace {

constexpr std::size_t piece_size = std::size_t{256} << 10U;

// Collects converted octets and writes them in large pieces.
class file_sink {
 public:
  file_sink(fs::file_system& files, const fs::handle& file) : files_(files), file_(file) {}

  [[nodiscard]] std::string& buffer() { return buffer_; }
  [[nodiscard]] std::uint64_t written() const { return written_; }

  [[nodiscard]] result<void> flush() {
    const std::array<std::string_view, 1> pieces = {buffer_};
    if (const auto done = files_.write(file_, written_, pieces); !done) {
      return fs::to_failure(done.error(), "message file");
    }
    written_ += buffer_.size();
    buffer_.clear();
    return {};
  }

 private:
  fs::file_system& files_;
  const fs::handle& file_;
  std::string buffer_;
  std::uint64_t written_ = 0;
};

result<void> convert(file_sink& sink, line_end_filter& filter, std::string_view octets) {
  while (!octets.empty()) {
    const std::string_view piece = octets.substr(0, piece_size);
    octets.remove_prefix(piece.size());
    filter.append_to(sink.buffer(), piece);
    if (sink.buffer().size() >= piece_size) {
      if (const auto flushed = sink.flush(); !flushed) {
        return flushed;
      }
    }
  }
  return {};
}

result<void> convert_file(file_sink& sink, line_end_filter& filter,
                          const fs::message_spool& message) {
  std::vector<char> piece(piece_size);
  std::uint64_t offset = 0;
  while (offset < message.size()) {
    const auto n = message.read(offset, piece);
    if (!n) {
      return n.error();
    }
    if (*n == 0) {
      return transient_failure("the spooled message ended too early");
    }
    offset += *n;
    if (const auto done = convert(sink, filter, {piece.data(), *n}); !done) {
      return done;
    }
  }
  return {};
}

} // namespace

void line_end_filter::append_to(std::string& out, std::string_view piece) {
  if (piece.empty()) {
    return;
  }
  if (held_cr_ && piece.front() != '\n') {
    out += '\r';
    last_ = '\r';
  }
  held_cr_ = piece.back() == '\r';
  if (held_cr_) {
    piece.remove_suffix(1);
  }
  while (!piece.empty()) {
    const std::size_t line_feed = piece.find('\n');
    std::string_view line = piece.substr(0, line_feed);
    if (line_feed != std::string_view::npos && line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    out += line;
    last_ = line.empty() ? last_ : line.back();
    if (line_feed == std::string_view::npos) {
      return;
    }
    bare_ += last_ == '\r' ? 0U : 1U;
    out += '\n';
    last_ = '\n';
    piece.remove_prefix(line_feed + 1);
  }
}

void line_end_filter::finish(std::string& out) {
  if (held_cr_) {
    out += '\r';
    last_ = '\r';
    held_cr_ = false;
  }
}

result<stored_size> write_stored_form(fs::file_system& files, const fs::handle& file,
                                      std::string_view trace, const fs::message_spool& message) {
  file_sink sink(files, file);
  line_end_filter filter;
  const auto expected = std::min<std::uint64_t>(message.size(), piece_size);
  sink.buffer().reserve(trace.size() + static_cast<std::size_t>(expected) + 1);
  filter.append_to(sink.buffer(), trace);
  const auto octets = message.memory();
  const auto converted =
      octets ? convert(sink, filter, *octets) : convert_file(sink, filter, message);
  if (!converted) {
    return converted.error();
  }
  filter.finish(sink.buffer());
  if (const auto flushed = sink.flush(); !flushed) {
    return flushed.error();
  }
  return stored_size{.octets = sink.written(), .wire = sink.written() + filter.bare_line_feeds()};
}

std::string file_name_for(std::string_view name, const stored_size& size) {
  return fmt::format("{},S={},W={}", name, size.octets, size.wire);
}

} // namespace homeward::maildir
