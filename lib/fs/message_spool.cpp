#include "lib/fs/message_spool.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/base/random.hpp"

namespace homeward::fs {

namespace {

// A long message goes to its file in pieces of this size, however small the pieces of
// the sender are.
constexpr std::size_t piece_size = std::size_t{256} << 10U;

// Where the volume has no unnamed files, a named one loses its name at once.
io_result<handle> make_spool_file(const spool_place& place) {
  auto unnamed = place.files->create_unnamed_at(place.directory);
  if (unnamed || unnamed.error().number != EOPNOTSUPP) {
    return unnamed;
  }
  const std::string name = "spool." + random_hex(12);
  auto named = place.files->open_at(place.directory, name, open_mode::create_new);
  if (named) {
    if (const auto gone = place.files->unlink_at(place.directory, name); !gone) {
      return gone.error();
    }
  }
  return named;
}

} // namespace

result<spool_place> open_spool_place(file_system& files, std::string_view directory,
                                     byte_count memory_limit) {
  auto opened = files.open_directory(directory);
  if (!opened) {
    failure f = to_failure(opened.error(), directory);
    f.what = "the spool directory cannot be opened";
    f.advice = "Make the directory, writable for this daemon, or correct its path in the settings.";
    return f;
  }
  return spool_place{
      .files = &files, .directory = std::move(*opened), .memory_limit = memory_limit};
}

message_spool::message_spool(message_spool&& other) noexcept
    : place_(other.place_), file_(std::move(other.file_)),
      in_file_(std::exchange(other.in_file_, 0)), memory_(std::exchange(other.memory_, {})),
      failed_(std::exchange(other.failed_, false)) {}

message_spool& message_spool::operator=(message_spool&& other) noexcept {
  if (this != &other) {
    place_ = other.place_;
    file_ = std::move(other.file_);
    in_file_ = std::exchange(other.in_file_, 0);
    memory_ = std::exchange(other.memory_, {});
    failed_ = std::exchange(other.failed_, false);
  }
  return *this;
}

void message_spool::reserve(std::uint64_t octets) {
  const std::uint64_t limit = place_ == nullptr ? octets : place_->memory_limit.octets;
  if (octets <= limit) {
    memory_.reserve(static_cast<std::size_t>(octets));
  }
}

result<void> message_spool::append(std::string_view octets) {
  if (failed_) {
    return transient_failure("the message could not be spooled");
  }
  if (!file_.is_open()) {
    if (place_ == nullptr || memory_.size() + octets.size() <= place_->memory_limit.octets) {
      memory_.append(octets);
      return {};
    }
    auto made = make_spool_file(*place_);
    if (!made) {
      failed_ = true;
      return to_failure(made.error(), "spool directory");
    }
    file_ = std::move(*made);
  }
  if (memory_.size() + octets.size() < piece_size) {
    memory_.append(octets);
    return {};
  }
  return write_with_memory(octets);
}

result<void> message_spool::write_with_memory(std::string_view octets) {
  const std::array<std::string_view, 2> pieces = {memory_, octets};
  if (const auto written = place_->files->write(file_, in_file_, pieces); !written) {
    failed_ = true;
    return to_failure(written.error(), "spool file");
  }
  in_file_ += memory_.size() + octets.size();
  memory_.clear();
  return {};
}

std::optional<std::string_view> message_spool::memory() const {
  if (file_.is_open()) {
    return std::nullopt;
  }
  return memory_;
}

result<std::size_t> message_spool::read(std::uint64_t offset, std::span<char> into) const {
  std::size_t done = 0;
  if (offset < in_file_ && !into.empty()) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), in_file_ - offset));
    const auto n = place_->files->read(file_, offset, into.first(wanted));
    if (!n) {
      return to_failure(n.error(), "spool file");
    }
    if (*n != wanted) {
      return transient_failure("the spool file is shorter than what was written to it");
    }
    done = *n;
  }
  const std::uint64_t position = offset + done;
  if (done < into.size() && position >= in_file_ && position - in_file_ < memory_.size()) {
    const auto start = static_cast<std::size_t>(position - in_file_);
    const std::size_t n = std::min(into.size() - done, memory_.size() - start);
    std::memcpy(into.data() + done, memory_.data() + start, n);
    done += n;
  }
  return done;
}

} // namespace homeward::fs
