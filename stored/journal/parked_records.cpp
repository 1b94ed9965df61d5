#include "stored/journal/parked_records.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "lib/base/random.hpp"

namespace homeward::journal {
namespace {
constexpr std::uint64_t parked_generation = 1;
}

result<std::vector<std::string>> list_parked(fs::file_system& files, const fs::handle& directory,
                                             std::string_view partition) {
  const auto entries = files.list(directory);
  if (!entries) {
    return fs::to_failure(entries.error(), "journal directory");
  }
  const std::string wanted = fmt::format("{}{}-", parked_prefix, partition);
  std::vector<std::string> names;
  for (const fs::directory_entry& e : *entries) {
    if (e.name.starts_with(wanted)) {
      names.push_back(e.name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

result<parked_header> look_at_header(fs::file_system& files, const fs::handle& directory,
                                     const std::string& name) {
  const auto file = files.open_at(directory, name, fs::open_mode::read);
  std::array<char, block_size> block{};
  const auto read = file ? files.read(*file, 0, block) : fs::io_result<std::size_t>(file.error());
  if (!read) {
    return fs::to_failure(read.error(), name);
  }
  const std::string_view octets(block.data(), *read);
  if (octets.find_first_not_of('\0') == std::string_view::npos) {
    return parked_header::none;
  }
  return decode_segment_header(octets) ? parked_header::whole : parked_header::unreadable;
}

result<record_source> open_parked(fs::file_system& files, const fs::handle& directory,
                                  const std::string& name) {
  auto file = files.open_at(directory, name, fs::open_mode::read);
  if (!file) {
    return fs::to_failure(file.error(), name);
  }
  std::array<char, block_size> block{};
  const auto read = files.read(*file, 0, block);
  if (!read) {
    return fs::to_failure(read.error(), name);
  }
  auto header = decode_segment_header({block.data(), *read});
  if (!header) {
    return header.error();
  }
  if (!*header) {
    return transient_failure("a file of parked mail has no header", name);
  }
  return record_source{name, std::move(*file), **header};
}

parked_file::parked_file(fs::file_system& files, const fs::handle& directory,
                         journal_identity whose, std::string_view partition)
    : files_(files), directory_(directory), whose_(std::move(whose)), partition_(partition),
      builder_(whose_.volume) {}

result<void> parked_file::begin() {
  // The header comes last: without it the file is not looked at. Sorted names are in the order of
  // their making, as far as anybody cares.
  name_ = fmt::format("{}{}-{}", parked_prefix, partition_, random_hex(4));
  auto file = files_.open_at(directory_, name_, fs::open_mode::create_new);
  if (!file) {
    return fs::to_failure(file.error(), name_);
  }
  file_ = std::move(*file);
  return {};
}

result<void> parked_file::write(std::uint64_t offset, std::string_view octets) {
  const std::array<std::string_view, 1> pieces = {octets};
  if (const auto written = files_.write(file_, offset, pieces); !written) {
    return fs::to_failure(written.error(), name_);
  }
  return {};
}

result<void> parked_file::add(const delivery_record& delivery,
                              const std::vector<std::uint32_t>& refused) {
  if (!file_.is_open()) {
    if (const result<void> begun = begin(); !begun) {
      return begun;
    }
  }
  builder_.begin(parked_generation, next_);
  const record_number number = builder_.add(delivery);
  ++next_;
  if (!refused.empty()) {
    builder_.add(abort_record{number, refused});
    ++next_;
  }
  const std::string_view group = builder_.finish(number, delivery.received);
  if (const result<void> written = write(size_, group); !written) {
    return written;
  }
  size_ += group.size();
  ++deliveries_;
  return {};
}

result<void> parked_file::finish(std::uint64_t now) {
  if (!file_.is_open()) {
    return {};
  }
  const auto synced = files_.sync_all(file_);
  if (!synced) {
    return fs::to_failure(synced.error(), name_);
  }
  const std::string header = encode(segment_header{.whose = whose_,
                                                   .generation = parked_generation,
                                                   .first_record = 1,
                                                   .checkpoint = 1,
                                                   .size = size_,
                                                   .begun = now});
  if (const result<void> written = write(0, header); !written) {
    return written;
  }
  const auto safe = files_.sync_all(file_);
  const auto named = safe ? files_.sync_all(directory_) : safe;
  if (!named) {
    return fs::to_failure(named.error(), name_);
  }
  return {};
}

} // namespace homeward::journal
