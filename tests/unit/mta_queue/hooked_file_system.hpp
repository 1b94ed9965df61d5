#pragma once
// Lets something else happen between any two calls of the code under test: another program that
// works on the same files.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lib/fs/file_system.hpp"

namespace homeward::test {

// Handles are those of the wrapped file system. One thread.
class hooked_file_system final : public fs::file_system {
 public:
  hooked_file_system(fs::file_system& wrapped, std::function<void()> before_each_call)
      : wrapped_(wrapped), hook_(std::move(before_each_call)) {}

  template <class T>
  using io = fs::io_result<T>;
  using dir = const fs::handle&;
  using text = std::string_view;

  io<fs::handle> open_directory(text path) override { return on().open_directory(path); }
  io<fs::handle> open_at(dir d, text path, fs::open_mode mode) override {
    return on().open_at(d, path, mode);
  }
  io<fs::handle> create_unnamed_at(dir d) override { return on().create_unnamed_at(d); }
  io<void> link_at(dir file, dir d, text name) override { return on().link_at(file, d, name); }
  io<void> link_name_at(dir from, text name, dir to, text to_name) override {
    return on().link_name_at(from, name, to, to_name);
  }
  io<void> rename_at(dir from, text name, dir to, text to_name, fs::on_existing e) override {
    return on().rename_at(from, name, to, to_name, e);
  }
  io<void> unlink_at(dir d, text name) override { return on().unlink_at(d, name); }
  io<void> make_directory_at(dir d, text name) override { return on().make_directory_at(d, name); }
  io<void> remove_directory_at(dir d, text name) override {
    return on().remove_directory_at(d, name);
  }
  io<std::vector<fs::directory_entry>> list(dir d) override { return on().list(d); }
  io<fs::file_status> status(dir f) override { return on().status(f); }
  io<fs::file_status> status_at(dir d, text name) override { return on().status_at(d, name); }
  io<fs::volume_space> space(dir v) override { return on().space(v); }
  io<std::size_t> read(dir f, std::uint64_t at, std::span<char> into) override {
    return on().read(f, at, into);
  }
  io<void> write(dir f, std::uint64_t at, std::span<const text> pieces) override {
    return on().write(f, at, pieces);
  }
  io<void> truncate(dir f, std::uint64_t size) override { return on().truncate(f, size); }
  io<void> allocate(dir f, std::uint64_t size) override { return on().allocate(f, size); }
  io<void> write_out(dir f) override { return on().write_out(f); }
  io<void> sync_data(dir f) override { return on().sync_data(f); }
  io<void> sync_all(dir f) override { return on().sync_all(f); }
  io<void> sync_file_system(dir v) override { return on().sync_file_system(v); }
  io<void> try_lock(dir f) override { return on().try_lock(f); }
  io<void> try_flock(dir f) override { return on().try_flock(f); }
  io<std::string> instance(dir v) override { return on().instance(v); }

 private:
  fs::file_system& on() {
    if (hook_ && !inside_) {
      inside_ = true;
      hook_();
      inside_ = false;
    }
    return wrapped_;
  }
  void close(int /*number*/) noexcept override {} // no handle is ours

  fs::file_system& wrapped_;
  std::function<void()> hook_;
  bool inside_ = false;
};

} // namespace homeward::test
