#pragma once
// A file system whose disk can be made to hang: writes wait at a gate until it is opened.
// Everything else, and the content, is the wrapped file system's.

#include <condition_variable>
#include <mutex>

#include "lib/fs/file_system.hpp"

namespace homeward::stored::test {

class gated_file_system final : public fs::file_system {
 public:
  explicit gated_file_system(fs::file_system& wrapped) : wrapped_(wrapped) {}

  void shut() { set(true, false); }
  void open() { set(false, false); }
  // Everything hangs, also looking.
  void hang() { set(true, true); }
  // Listing hangs, nothing else.
  void hang_lists() {
    const std::lock_guard lock(mutex_);
    lists_shut_ = true;
  }
  // Until so many calls wait at the gate.
  void wait_for_waiters(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

  template <class T>
  using io = fs::io_result<T>;
  using handle = fs::handle;

  io<handle> open_directory(std::string_view path) override {
    pass_look();
    return wrapped_.open_directory(path);
  }
  io<handle> open_at(const handle& d, std::string_view path, fs::open_mode mode) override {
    pass_look();
    return wrapped_.open_at(d, path, mode);
  }
  io<handle> create_unnamed_at(const handle& d) override { return wrapped_.create_unnamed_at(d); }
  io<void> link_at(const handle& f, const handle& d, std::string_view n) override {
    return wrapped_.link_at(f, d, n);
  }
  io<void> link_name_at(const handle& from, std::string_view a, const handle& to,
                        std::string_view b) override {
    return wrapped_.link_name_at(from, a, to, b);
  }
  io<void> rename_at(const handle& from, std::string_view a, const handle& to, std::string_view b,
                     fs::on_existing e) override {
    return wrapped_.rename_at(from, a, to, b, e);
  }
  io<void> unlink_at(const handle& d, std::string_view n) override {
    return wrapped_.unlink_at(d, n);
  }
  io<void> make_directory_at(const handle& d, std::string_view n) override {
    return wrapped_.make_directory_at(d, n);
  }
  io<void> remove_directory_at(const handle& d, std::string_view n) override {
    return wrapped_.remove_directory_at(d, n);
  }
  io<std::vector<fs::directory_entry>> list(const handle& d) override {
    pass_list();
    return wrapped_.list(d);
  }
  io<fs::file_status> status(const handle& f) override { return wrapped_.status(f); }
  io<fs::file_status> status_at(const handle& d, std::string_view n) override {
    return wrapped_.status_at(d, n);
  }
  io<fs::volume_space> space(const handle& h) override { return wrapped_.space(h); }
  io<std::size_t> read(const handle& f, std::uint64_t offset, std::span<char> into) override {
    return wrapped_.read(f, offset, into);
  }
  io<void> write(const handle& f, std::uint64_t offset,
                 std::span<const std::string_view> pieces) override {
    pass();
    return wrapped_.write(f, offset, pieces);
  }
  io<void> truncate(const handle& f, std::uint64_t size) override {
    return wrapped_.truncate(f, size);
  }
  io<void> allocate(const handle& f, std::uint64_t size) override {
    return wrapped_.allocate(f, size);
  }
  io<void> write_out(const handle& f) override { return wrapped_.write_out(f); }
  io<void> sync_data(const handle& f) override { return wrapped_.sync_data(f); }
  io<void> sync_all(const handle& f) override { return wrapped_.sync_all(f); }
  io<void> sync_file_system(const handle& h) override { return wrapped_.sync_file_system(h); }
  io<void> try_lock(const handle& f) override { return wrapped_.try_lock(f); }
  io<void> try_flock(const handle& f) override { return wrapped_.try_flock(f); }
  io<std::string> instance(const handle& h) override { return wrapped_.instance(h); }

 private:
  void close(int /*number*/) noexcept override {} // no handle is ours

  void set(bool shut, bool looks_too) {
    const std::lock_guard lock(mutex_);
    shut_ = shut;
    looks_too_ = looks_too;
    lists_shut_ = false;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !shut_; });
    --waiting_;
  }
  void pass_list() {
    std::unique_lock lock(mutex_);
    waiting_ += lists_shut_ ? 1 : 0;
    changed_.notify_all();
    const bool waited = lists_shut_;
    changed_.wait(lock, [this] { return !lists_shut_; });
    waiting_ -= waited ? 1 : 0;
  }
  void pass_look() {
    const bool gated = [this] {
      const std::lock_guard lock(mutex_);
      return looks_too_;
    }();
    if (gated) {
      pass();
    }
  }

  fs::file_system& wrapped_;
  std::mutex mutex_; // guards all below
  std::condition_variable changed_;
  bool shut_ = false;
  bool looks_too_ = false;
  bool lists_shut_ = false;
  std::size_t waiting_ = 0;
};

} // namespace homeward::stored::test
