#include "stored/journal/filed_marks.hpp"

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
  const auto named = files_->read(file_, 0, head);
  const auto read =
      files_->read(file_, slots_begin,
                   {reinterpret_cast<char*>(slots_.data()), slots_.size() * sizeof slots_[0]});
  if (!named || !read) {
    return marks_failure(named ? read.error() : named.error());
  }
  instance_.assign(head.data(), ::strnlen(head.data(), head.size()));
  return {};
}

bool filed_marks::is_of(const std::string& instance) const {
  return !instance.empty() && instance_ == instance;
}

bool filed_marks::contains(record_number n) const {
  return slots_[n % slots] == n;
}

result<void> filed_marks::forget() {
  instance_.clear();
  slots_.assign(slots, 0);
  if (const auto emptied = files_->truncate(file_, 0); !emptied) {
    return marks_failure(emptied.error());
  }
  if (const auto grown = files_->allocate(file_, slots_begin + slots * sizeof(record_number));
      !grown) {
    return marks_failure(grown.error());
  }
  return {};
}

result<void> filed_marks::begin(const std::string& instance) {
  std::string head = instance.substr(0, longest_instance);
  head.resize(longest_instance, '\0');
  const std::array<std::string_view, 1> pieces = {head};
  if (const auto written = files_->write(file_, 0, pieces); !written) {
    return marks_failure(written.error());
  }
  instance_ = instance;
  return {};
}

void filed_marks::set(record_number n) {
  const std::string_view octets(reinterpret_cast<const char*>(&n), sizeof n);
  (void)files_->write(file_, place_of(n), {&octets, 1});
}

} // namespace homeward::journal
