#include "stored/journal/filed_marks.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace homeward::journal {
namespace {

using filed_layout::longest_instance;
using filed_layout::place_of;
using filed_layout::slots;
using filed_layout::slots_begin;

constexpr std::uint64_t whole = slots_begin + slots * sizeof(record_number);

failure marks_failure(const fs::io_error& e) {
  return fs::to_failure(e, filed_marks_name);
}

} // namespace

result<filed_marks> filed_marks::open(fs::file_system& files, const fs::handle& directory) {
  auto file = files.open_at(directory, filed_marks_name, fs::open_mode::read_write);
  if (!file && file.error() == ENOENT) {
    file = files.open_at(directory, filed_marks_name, fs::open_mode::create_new);
  }
  if (!file) {
    return marks_failure(file.error());
  }
  filed_marks marks(files, std::move(*file));
  if (const result<void> loaded = marks.load(); !loaded) {
    return loaded.error();
  }
  return marks;
}

result<void> filed_marks::load() {
  std::array<char, longest_instance> head{};
  slots_.assign(slots, 0);
  std::array<char, 1> rest{};
  const auto named = files_->read(file_, 0, head);
  const auto told = files_->read(file_, filed_layout::rest_at, rest);
  const auto read =
      files_->read(file_, slots_begin,
                   {reinterpret_cast<char*>(slots_.data()), slots_.size() * sizeof slots_[0]});
  for (const auto& octets : {named, told, read}) {
    if (!octets) {
      return marks_failure(octets.error());
    }
  }
  instance_.assign(head.data(), ::strnlen(head.data(), head.size()));
  for (const trust t : {trust::marks, trust::rewrite}) {
    rest_ = rest[0] == static_cast<char>(t) ? t : rest_;
  }
  return {};
}

bool filed_marks::is_of(const std::string& instance) const {
  return !instance.empty() && instance_ == instance;
}

bool filed_marks::is_of_another(const std::string& instance) const {
  return !instance.empty() && !instance_.empty() && instance_ != instance;
}

bool filed_marks::contains(record_number n) const {
  return slots_[n % slots] == n;
}

result<void> filed_marks::forget(const std::string& instance, trust rest) {
  instance_.clear();
  result<void> cleared = clear();
  if (!cleared && cleared.error().reason == failure_reason::full) {
    cleared = begin_anew(); // btrfs writes nothing in place
  }
  slots_.assign(slots, 0);
  if (!cleared) {
    return cleared;
  }
  if (const result<void> told = write_rest(rest); !told) {
    return told;
  }
  // Last: without it nothing else is believed.
  if (const result<void> named = write(0, instance.substr(0, longest_instance)); !named) {
    return named;
  }
  instance_ = instance;
  return {};
}

// In the space that the file has already: on a full disk there is no other, and a recovery must
// not need any.
result<void> filed_marks::clear() {
  constexpr std::size_t in_a_piece = slots_begin / sizeof(record_number);
  static constexpr std::array<char, slots_begin> zeros{};
  const std::string_view nothing(zeros.data(), zeros.size());
  // The name of the instance goes first: what is half cleared is not believed.
  result<void> good = write(0, nothing);
  if (!good) {
    return good;
  }
  const auto status = files_->status(file_);
  if (!status) {
    return marks_failure(status.error());
  }
  if (const auto grown =
          status->size < whole ? files_->allocate(file_, whole) : fs::io_result<void>();
      !grown) {
    return marks_failure(grown.error());
  }
  for (std::size_t i = 0; i < slots && good; i += in_a_piece) {
    const auto piece = std::span(slots_).subspan(i, in_a_piece);
    if (std::any_of(piece.begin(), piece.end(), [](record_number n) { return n != 0; })) {
      good = write(slots_begin + i * sizeof(record_number), nothing);
    }
  }
  return good;
}

result<void> filed_marks::begin_anew() {
  const auto emptied = files_->truncate(file_, 0);
  const auto grown = emptied ? files_->allocate(file_, whole) : emptied;
  return grown ? result<void>() : marks_failure(grown.error());
}

result<void> filed_marks::complete() {
  return write_rest(trust::marks);
}

result<void> filed_marks::write_rest(trust rest) {
  const char octet = static_cast<char>(rest);
  const result<void> written = write(filed_layout::rest_at, {&octet, 1});
  rest_ = written ? rest : rest_;
  return written;
}

result<void> filed_marks::write(std::uint64_t offset, std::string_view octets) {
  if (const auto written = files_->write(file_, offset, {&octets, 1}); !written) {
    return marks_failure(written.error());
  }
  return {};
}

void filed_marks::set(record_number n) {
  const std::string_view octets(reinterpret_cast<const char*>(&n), sizeof n);
  (void)files_->write(file_, place_of(n), {&octets, 1});
}

} // namespace homeward::journal
