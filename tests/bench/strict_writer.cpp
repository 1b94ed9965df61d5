#include <array>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/bench/bare_writer.hpp"

namespace homeward::bench {

namespace {

class strict_writer : public bare_writer {
 public:
  explicit strict_writer(const maildirs& where) : where_(where) {}

  void deliver(unsigned /*client*/, std::uint64_t number, const std::string& name,
               const message& m) override {
    const auto& [tmp, fresh] = where_.of(number);
    const int fd = ::openat(tmp, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
      die("open in tmp/");
    }
    const std::array<iovec, 3> pieces = {iovec{const_cast<char*>(m.head.data()), m.head.size()},
                                         iovec{const_cast<char*>(m.bulk.data()), m.bulk.size()},
                                         iovec{const_cast<char*>(m.tail.data()), m.tail.size()}};
    if (::writev(fd, pieces.data(), pieces.size()) != static_cast<ssize_t>(m.size())) {
      die("writev");
    }
    if (::fsync(fd) != 0) {
      die("fsync of the file");
    }
    ::close(fd);
    if (::renameat(tmp, name.c_str(), fresh, name.c_str()) != 0) {
      die("rename to new/");
    }
    if (::fsync(fresh) != 0) {
      die("fsync of new/");
    }
  }

 private:
  const maildirs& where_;
};

} // namespace

std::unique_ptr<bare_writer> make_strict_writer(const maildirs& where) {
  return std::make_unique<strict_writer>(where);
}

} // namespace homeward::bench
