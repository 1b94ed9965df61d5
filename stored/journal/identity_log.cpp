#include "stored/journal/identity_log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "stored/journal/segment_format.hpp"

namespace homeward::journal {
namespace {

result<std::string> read_all(fs::file_system& files, const fs::handle& file,
                             const std::string& name) {
  const auto status = files.status(file);
  if (!status) {
    return fs::to_failure(status.error(), name);
  }
  std::string octets(static_cast<std::size_t>(status->size), '\0');
  const auto read = files.read(file, 0, octets);
  if (!read) {
    return fs::to_failure(read.error(), name);
  }
  octets.resize(*read);
  return octets;
}

} // namespace

identity_log::identity_log(fs::file_system& files, const fs::handle& directory,
                           std::uint64_t file_octets)
    : files_(files), directory_(directory), file_octets_(file_octets) {}

result<void> identity_log::load(const identity_visitor& visit) {
  const auto entries = files_.list(directory_);
  if (!entries) {
    return fs::to_failure(entries.error(), "journal directory");
  }
  for (const fs::directory_entry& e : *entries) {
    if (e.name.starts_with(identity_prefix)) {
      all_.push_back({.name = e.name});
    }
  }
  std::sort(all_.begin(), all_.end(),
            [](const log_file& a, const log_file& b) { return a.name < b.name; });
  for (log_file& f : all_) {
    if (const result<void> loaded = load_one(f, visit); !loaded) {
      return loaded;
    }
  }
  if (!all_.empty()) {
    const std::string_view digits =
        std::string_view(all_.back().name).substr(identity_prefix.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), next_number_);
    ++next_number_;
  }
  return {};
}

result<void> identity_log::load_one(log_file& f, const identity_visitor& visit) {
  const auto file = files_.open_at(directory_, f.name, fs::open_mode::read_write);
  if (!file) {
    return fs::to_failure(file.error(), f.name);
  }
  const result<std::string> octets = read_all(files_, *file, f.name);
  if (!octets) {
    return octets.error();
  }
  std::string_view left = *octets;
  while (const auto block = whole_block(left)) {
    f.newest = time_of_block(*block);
    visit_block(*block, visit);
    left.remove_prefix(block->size());
  }
  f.used = octets->size() - left.size();
  if (!left.empty()) {
    // What was reserved and not used. If it fails, some space is kept until the file is pruned.
    (void)files_.truncate(*file, f.used);
  }
  return {};
}

result<void> identity_log::begin_file(std::uint64_t at_least) {
  const std::string name = fmt::format("{}{:08}", identity_prefix, next_number_);
  auto file = files_.open_at(directory_, name, fs::open_mode::create_new);
  if (!file) {
    return fs::to_failure(file.error(), name);
  }
  const std::uint64_t size = std::max(file_octets_, at_least);
  if (const auto reserved = files_.allocate(*file, size); !reserved) {
    (void)files_.unlink_at(directory_, name);
    return fs::to_failure(reserved.error(), name);
  }
  ++next_number_;
  all_.push_back({.name = name});
  current_ = std::move(*file);
  current_size_ = size;
  return {};
}

result<void> identity_log::append(std::span<const logged_identity> identities, std::uint64_t now) {
  while (!identities.empty()) {
    const auto part = identities.first(std::min(identities.size(), most_in_a_block));
    if (const result<void> added = append_block(part, now); !added) {
      return added;
    }
    identities = identities.subspan(part.size());
  }
  return {};
}

result<void> identity_log::append_block(std::span<const logged_identity> part, std::uint64_t now) {
  const std::string block = encode_block(part, now);
  if (!current_.is_open() || all_.back().used + block.size() > current_size_) {
    current_.close();
    if (const result<void> begun = begin_file(block.size()); !begun) {
      return begun;
    }
  }
  const std::array<std::string_view, 1> pieces = {block};
  if (const auto written = files_.write(current_, all_.back().used, pieces); !written) {
    return fs::to_failure(written.error(), all_.back().name);
  }
  all_.back().used += block.size();
  all_.back().newest = now;
  return {};
}

void identity_log::prune(identity_retention keep, std::uint64_t now) {
  const auto age = static_cast<std::uint64_t>(keep.age.count());
  std::uint64_t octets = 0;
  for (const log_file& f : all_) {
    octets += f.used;
  }
  while (all_.size() > (current_.is_open() ? 1U : 0U)) {
    const log_file& oldest = all_.front();
    const bool expired = oldest.newest + age < now;
    if (!expired && octets <= keep.octets.octets) {
      return;
    }
    if (!files_.unlink_at(directory_, oldest.name)) {
      return;
    }
    octets -= oldest.used;
    all_.pop_front();
  }
}

} // namespace homeward::journal
