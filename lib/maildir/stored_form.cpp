#include "lib/maildir/stored_form.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fmt/format.h>

namespace homeward::maildir {

namespace {

constexpr std::size_t piece_size = std::size_t{256} << 10U;

// Collects converted octets and gives them away in large pieces.
class collector {
 public:
  explicit collector(const stored_piece_taker& take) : take_(take) {}

  [[nodiscard]] std::string& buffer() { return buffer_; }
  [[nodiscard]] std::uint64_t given() const { return given_; }

  [[nodiscard]] result<void> flush() {
    if (const auto taken = take_(buffer_); !taken) {
      return taken;
    }
    given_ += buffer_.size();
    buffer_.clear();
    return {};
  }

 private:
  const stored_piece_taker& take_;
  std::string buffer_;
  std::uint64_t given_ = 0;
};

result<void> convert(collector& sink, line_end_filter& filter, std::string_view octets) {
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

result<void> convert_file(collector& sink, line_end_filter& filter,
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

result<stored_size> walk_stored_form(std::string_view trace, const fs::message_spool& message,
                                     const stored_piece_taker& take) {
  collector sink(take);
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
  return stored_size{.octets = sink.given(), .wire = sink.given() + filter.bare_line_feeds()};
}

result<stored_size> write_stored_form(fs::file_system& files, const fs::handle& file,
                                      std::string_view trace, const fs::message_spool& message) {
  std::uint64_t offset = 0;
  return walk_stored_form(trace, message, [&](std::string_view piece) -> result<void> {
    if (const auto done = files.write(file, offset, {&piece, 1}); !done) {
      return fs::to_failure(done.error(), "message file");
    }
    offset += piece.size();
    return {};
  });
}

result<stored_size> measure_stored_form(std::string_view trace, const fs::message_spool& message) {
  return walk_stored_form(trace, message, [](std::string_view) { return result<void>(); });
}

fs::io_result<bool> holds_stored_form(fs::file_system& files, const fs::handle& file,
                                      std::string_view trace, const fs::message_spool& message) {
  fs::io_result<bool> same = true;
  std::uint64_t offset = 0;
  std::string theirs;
  const auto walked = walk_stored_form(trace, message, [&](std::string_view ours) -> result<void> {
    theirs.resize(ours.size());
    const auto n = files.read(file, offset, theirs);
    if (!n) {
      same = n.error();
    } else if (*n != ours.size() || theirs != ours) {
      same = false;
    }
    offset += ours.size();
    return same && *same ? result<void>() : transient_failure("the end of the comparison");
  });
  if (!walked && same && *same) {
    return fs::io_error{EIO, "spool"};
  }
  if (!same || !*same) {
    return same;
  }
  const auto status = files.status(file);
  if (!status) {
    return status.error();
  }
  return status->size == offset;
}

std::string file_name_for(std::string_view name, const stored_size& size) {
  return fmt::format("{},S={},W={}", name, size.octets, size.wire);
}

} // namespace homeward::maildir
