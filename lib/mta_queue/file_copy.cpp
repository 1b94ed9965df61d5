#include "lib/mta_queue/file_copy.hpp"

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace homeward::mta_queue {

namespace {

constexpr std::size_t block = 256 << 10;

fs::io_result<void> copy_octets(fs::file_system& files, const fs::handle& from,
                                const fs::handle& to) {
  std::vector<char> buffer(block);
  std::uint64_t offset = 0;
  for (;;) {
    const auto count = files.read(from, offset, buffer);
    if (!count) {
      return count.error();
    }
    if (*count == 0) {
      return files.sync_all(to);
    }
    const std::string_view piece(buffer.data(), *count);
    if (const auto written = files.write(to, offset, {&piece, 1}); !written) {
      return written;
    }
    offset += *count;
  }
}

fs::io_result<void> fill(fs::file_system& files, const fs::handle& source, const fs::handle& copy,
                         locking lock) {
  if (const auto copied = copy_octets(files, source, copy); !copied) {
    return copied;
  }
  return lock == locking::yes ? files.try_flock(copy) : fs::io_result<void>{};
}

fs::io_result<fs::handle> copy_by_name(fs::file_system& files, const fs::handle& source,
                                       const fs::handle& directory, std::string_view name,
                                       locking lock) {
  const auto of = files.status(source);
  if (!of) {
    return of.error();
  }
  const std::string staged = fmt::format("hw{}-{}", of->device, of->inode);
  auto copy = files.open_at(directory, staged, fs::open_mode::create_new);
  if (!copy && copy.error() == EEXIST) {
    if (const auto cleared = files.unlink_at(directory, staged); !cleared) {
      return cleared.error();
    }
    copy = files.open_at(directory, staged, fs::open_mode::create_new);
  }
  if (!copy) {
    return copy;
  }
  auto done = fill(files, source, *copy, lock);
  if (done) {
    done = files.rename_at(directory, staged, directory, name, fs::on_existing::refuse);
  }
  if (!done && done.error() == EINVAL) { // NFS cannot rename without replacing
    done = files.link_name_at(directory, staged, directory, name);
  }
  (void)files.unlink_at(directory, staged); // ENOENT after the rename
  if (!done) {
    return done.error();
  }
  return copy;
}

} // namespace

fs::io_result<fs::handle> copy_file(fs::file_system& files, const fs::handle& source,
                                    const fs::handle& directory, std::string_view name,
                                    locking lock) {
  auto copy = files.create_unnamed_at(directory);
  if (!copy && copy.error() == EOPNOTSUPP) {
    return copy_by_name(files, source, directory, name, lock);
  }
  if (!copy) {
    return copy;
  }
  if (const auto filled = fill(files, source, *copy, lock); !filled) {
    return filled.error();
  }
  if (const auto named = files.link_at(*copy, directory, name); !named) {
    return named.error();
  }
  return copy;
}

fs::io_result<bool> equal_files(fs::file_system& files, const fs::handle& a, const fs::handle& b) {
  const auto size_a = files.status(a);
  const auto size_b = files.status(b);
  if (!size_a || !size_b) {
    return size_a ? size_b.error() : size_a.error();
  }
  if (size_a->size != size_b->size) {
    return false;
  }
  std::vector<char> of_a(block);
  std::vector<char> of_b(block);
  for (std::uint64_t offset = 0; offset < size_a->size;) {
    const auto count_a = files.read(a, offset, of_a);
    const auto count_b = files.read(b, offset, of_b);
    if (!count_a || !count_b) {
      return count_a ? count_b.error() : count_a.error();
    }
    if (*count_a != *count_b || *count_a == 0 ||
        std::string_view(of_a.data(), *count_a) != std::string_view(of_b.data(), *count_b)) {
      return false;
    }
    offset += *count_a;
  }
  return true;
}

} // namespace homeward::mta_queue
