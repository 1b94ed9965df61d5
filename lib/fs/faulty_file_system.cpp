#include "lib/fs/faulty_file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <type_traits>
#include <utility>

namespace homeward::fs {

void faulty_file_system::plan(fault f) {
  const std::lock_guard lock(mutex_);
  plan_.push_back({.what = f});
}

void faulty_file_system::cut_power_at(unsigned nth) {
  const std::lock_guard lock(mutex_);
  calls_until_cut_ = nth - 1;
}

void faulty_file_system::reset() {
  const std::lock_guard lock(mutex_);
  plan_.clear();
  calls_.clear();
  calls_until_cut_.reset();
}

std::vector<call> faulty_file_system::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::size_t faulty_file_system::count(call kind) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count(calls_.begin(), calls_.end(), kind));
}

bool faulty_file_system::power_is_cut() const {
  const std::lock_guard lock(mutex_);
  return calls_until_cut_ == 0U;
}

std::optional<fault> faulty_file_system::strike(call kind) {
  const std::lock_guard lock(mutex_);
  if (calls_until_cut_) {
    if (*calls_until_cut_ == 0) {
      return fault{.error = EIO};
    }
    --*calls_until_cut_;
  }
  calls_.push_back(kind);
  std::optional<fault> hit;
  for (planned& p : plan_) {
    if (p.what.kind && *p.what.kind != kind) {
      continue;
    }
    ++p.seen;
    if (p.seen == p.what.nth || (p.what.for_ever && p.seen > p.what.nth)) {
      hit = p.what;
    }
  }
  return hit;
}

template <class Call>
auto faulty_file_system::pass(call kind, Call perform) -> decltype(perform()) {
  if (const auto f = strike(kind)) {
    if constexpr (std::is_same_v<decltype(perform()), io_result<void>>) {
      if (f->pretend) {
        return {};
      }
    }
    return io_error{f->error, "planned fault"};
  }
  return perform();
}

io_result<handle> faulty_file_system::open_directory(std::string_view absolute_path) {
  return pass(call::open_directory, [&] { return wrapped_.open_directory(absolute_path); });
}

io_result<handle> faulty_file_system::open_at(const handle& directory, std::string_view path,
                                              open_mode mode) {
  return pass(call::open_at, [&] { return wrapped_.open_at(directory, path, mode); });
}

io_result<handle> faulty_file_system::create_unnamed_at(const handle& directory) {
  return pass(call::create_unnamed_at, [&] { return wrapped_.create_unnamed_at(directory); });
}

io_result<void> faulty_file_system::link_at(const handle& file, const handle& directory,
                                            std::string_view name) {
  return pass(call::link_at, [&] { return wrapped_.link_at(file, directory, name); });
}

io_result<void> faulty_file_system::link_name_at(const handle& from_directory,
                                                 std::string_view from_name,
                                                 const handle& to_directory,
                                                 std::string_view to_name) {
  return pass(call::link_name_at, [&] {
    return wrapped_.link_name_at(from_directory, from_name, to_directory, to_name);
  });
}

io_result<void> faulty_file_system::rename_at(const handle& from_directory,
                                              std::string_view from_name,
                                              const handle& to_directory, std::string_view to_name,
                                              on_existing existing) {
  return pass(call::rename_at, [&] {
    return wrapped_.rename_at(from_directory, from_name, to_directory, to_name, existing);
  });
}

io_result<void> faulty_file_system::unlink_at(const handle& directory, std::string_view name) {
  return pass(call::unlink_at, [&] { return wrapped_.unlink_at(directory, name); });
}

io_result<void> faulty_file_system::make_directory_at(const handle& directory,
                                                      std::string_view name) {
  return pass(call::make_directory_at, [&] { return wrapped_.make_directory_at(directory, name); });
}

io_result<void> faulty_file_system::remove_directory_at(const handle& directory,
                                                        std::string_view name) {
  return pass(call::remove_directory_at,
              [&] { return wrapped_.remove_directory_at(directory, name); });
}

io_result<std::vector<directory_entry>> faulty_file_system::list(const handle& directory) {
  return pass(call::list, [&] { return wrapped_.list(directory); });
}

io_result<file_status> faulty_file_system::status(const handle& file) {
  return pass(call::status, [&] { return wrapped_.status(file); });
}

io_result<file_status> faulty_file_system::status_at(const handle& directory,
                                                     std::string_view name) {
  return pass(call::status_at, [&] { return wrapped_.status_at(directory, name); });
}

io_result<volume_space> faulty_file_system::space(const handle& on_volume) {
  return pass(call::space, [&] { return wrapped_.space(on_volume); });
}

io_result<std::size_t> faulty_file_system::read(const handle& file, std::uint64_t offset,
                                                std::span<char> into) {
  return pass(call::read, [&] { return wrapped_.read(file, offset, into); });
}

io_result<void> faulty_file_system::write(const handle& file, std::uint64_t offset,
                                          std::span<const std::string_view> pieces) {
  const auto f = strike(call::write);
  if (!f) {
    return wrapped_.write(file, offset, pieces);
  }
  std::size_t left = f->short_write.value_or(0);
  for (const std::string_view piece : pieces) {
    const std::string_view part = piece.substr(0, left);
    if (!part.empty()) {
      if (const auto done = wrapped_.write(file, offset, {&part, 1}); !done) {
        return done;
      }
    }
    left -= part.size();
    offset += part.size();
  }
  return io_error{f->error, "planned fault"};
}

io_result<void> faulty_file_system::truncate(const handle& file, std::uint64_t size) {
  return pass(call::truncate, [&] { return wrapped_.truncate(file, size); });
}

io_result<void> faulty_file_system::allocate(const handle& file, std::uint64_t size) {
  return pass(call::allocate, [&] { return wrapped_.allocate(file, size); });
}

io_result<void> faulty_file_system::write_out(const handle& file) {
  return pass(call::write_out, [&] { return wrapped_.write_out(file); });
}

io_result<void> faulty_file_system::sync_data(const handle& file) {
  return pass(call::sync_data, [&] { return wrapped_.sync_data(file); });
}

io_result<void> faulty_file_system::sync_all(const handle& file) {
  return pass(call::sync_all, [&] { return wrapped_.sync_all(file); });
}

io_result<void> faulty_file_system::sync_file_system(const handle& on_volume) {
  return pass(call::sync_file_system, [&] { return wrapped_.sync_file_system(on_volume); });
}

io_result<void> faulty_file_system::try_lock(const handle& file) {
  return pass(call::try_lock, [&] { return wrapped_.try_lock(file); });
}

io_result<void> faulty_file_system::try_flock(const handle& file) {
  return pass(call::try_flock, [&] { return wrapped_.try_flock(file); });
}

io_result<std::string> faulty_file_system::instance(const handle& on_volume) {
  return pass(call::instance, [&] { return wrapped_.instance(on_volume); });
}

} // namespace homeward::fs
