#include "lib/directory/replica_file.hpp"

#include <array>
#include <charconv>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "lib/base/digest.hpp"
#include "lib/directory/file_swap.hpp"
#include "lib/directory/replica_table.hpp"

namespace homeward::directory {

namespace {

constexpr std::string_view first_line = "homeward-replica\t1\n";
constexpr std::size_t buffer_size = 1U << 20U;

// ---- writing ----

// Lines with tabs between the fields: no field can hold a control character.
class writer final : public receiver {
 public:
  explicit writer(file_swap& file) : file_(file) {}

  void put(const server& s) override {
    std::string line = "server\t" + s.name;
    for (const auto& e : s.endpoints) {
      line += '\t' + e;
    }
    add(line + '\n');
  }
  void put(const partition& p) override {
    add(fmt::format("partition\t{}\t{}\t{}\t{}\t{}\n", to_string(p.id), name_of(p.kind),
                    name_of(p.state), p.weight, p.path));
  }
  void put(const user& u) override {
    add(fmt::format("user\t{}\t{}\t{}\t{}\t{}\t{}\n", u.mailbox, to_string(u.where.primary),
                    u.where.secondary ? to_string(*u.where.secondary) : "-", u.where.quota.octets,
                    name_of(u.where.state), u.where.epoch));
  }

  void add(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= buffer_size) {
      flush();
    }
  }
  // The checksum covers everything before its own line.
  [[nodiscard]] result<void> finish() {
    flush();
    if (trouble_) {
      return *trouble_;
    }
    return file_.append("end\t" + to_hex(digest_.finish()) + '\n');
  }

 private:
  void flush() {
    digest_.update(buffer_);
    if (!trouble_) {
      if (auto done = file_.append(buffer_); done.has_error()) {
        trouble_ = done.error();
      }
    }
    buffer_.clear();
  }

  file_swap& file_;
  std::string buffer_;
  sha256 digest_;
  std::optional<failure> trouble_;
};

// ---- reading ----

using fields = std::vector<std::string_view>;

fields split(std::string_view line) {
  fields all;
  while (true) {
    const auto tab = line.find('\t');
    all.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) {
      return all;
    }
    line.remove_prefix(tab + 1);
  }
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

// Turns lines into records. Every line is complete: the checksum is verified at the end, so a fault
// here means the file is of another format.
class reader {
 public:
  [[nodiscard]] bool line(std::string_view text) {
    const fields f = split(text);
    if (f[0] == "user" && f.size() == 7) {
      return put_user(f);
    }
    if (f[0] == "server" && f.size() >= 2) {
      server s{.name = std::string(f[1])};
      s.endpoints.assign(f.begin() + 2, f.end());
      builder_.put(s);
      return true;
    }
    if (f[0] == "partition" && f.size() == 6) {
      return put_partition(f);
    }
    if (f[0] == "at" && f.size() == 5) {
      return put_position(f);
    }
    return false;
  }
  [[nodiscard]] result<saved_replica> finish() {
    auto table = builder_.finish(at_);
    if (table.has_error()) {
      return table.error();
    }
    return saved_replica{std::move(*table), current_at_};
  }

 private:
  bool put_position(const fields& f) {
    const auto change = number(f[2]);
    const auto seconds = number(f[3]);
    const auto users = number(f[4]);
    if (!change || !seconds || !users) {
      return false;
    }
    at_ = {std::string(f[1]), *change};
    current_at_ = wall_time(std::chrono::seconds(*seconds));
    users_ = *users;
    return true;
  }
  bool put_partition(const fields& f) {
    const auto id = parse_partition_id(f[1]);
    const auto kind = parse_partition_kind(f[2]);
    const auto state = parse_partition_state(f[3]);
    const auto weight = number(f[4]);
    if (id.has_error() || !kind || !state || !weight) {
      return false;
    }
    builder_.put(partition{.id = *id,
                           .kind = *kind,
                           .state = *state,
                           .weight = static_cast<std::uint32_t>(*weight),
                           .path = std::string(f[5])});
    ids_.emplace(std::string(f[1]), *id);
    return true;
  }
  bool put_user(const fields& f) {
    if (!users_begun_) {
      builder_.expect_users(users_);
      users_begun_ = true;
    }
    const auto primary = ids_.find(std::string(f[2]));
    const auto secondary = ids_.find(std::string(f[3]));
    const auto quota = number(f[4]);
    const auto state = parse_user_state(f[5]);
    const auto epoch = number(f[6]);
    if (primary == ids_.end() || (f[3] != "-" && secondary == ids_.end()) || !quota || !state ||
        !epoch) {
      return false;
    }
    user u{.mailbox = std::string(f[1])};
    u.where.primary = primary->second;
    if (f[3] != "-") {
      u.where.secondary = secondary->second;
    }
    u.where.quota = byte_count{*quota};
    u.where.state = *state;
    u.where.epoch = *epoch;
    builder_.put(u);
    return true;
  }

  replica_builder builder_;
  std::unordered_map<std::string, partition_id> ids_;
  position at_;
  wall_time current_at_{};
  std::uint64_t users_ = 0;
  bool users_begun_ = false;
};

failure damaged(const std::string& file, std::string_view why) {
  return transient_failure("the saved replica of the user directory cannot be used",
                           fmt::format("{}: {}", file, why),
                           "It is only a cache and will be written again once the directory is "
                           "there.");
}

// Goes over the lines of an open file. The last one holds the checksum of all before it.
result<saved_replica> read_lines(fs::file_system& disk, const fs::handle& opened,
                                 const std::string& file) {
  reader records;
  sha256 digest;
  std::string buffer;
  std::vector<char> piece(buffer_size);
  bool is_first = true;
  for (std::uint64_t offset = 0;;) {
    const auto got = disk.read(opened, offset, piece);
    if (got.has_error()) {
      return fs::to_failure(got.error(), file);
    }
    if (*got == 0) {
      return damaged(file, "it ends too early");
    }
    offset += *got;
    buffer.append(piece.data(), *got);
    std::size_t start = 0;
    for (std::size_t end = buffer.find('\n'); end != std::string::npos;
         end = buffer.find('\n', start)) {
      const std::string_view line(buffer.data() + start, end - start);
      if (line.starts_with("end\t")) {
        return line.substr(4) == to_hex(digest.finish()) ? records.finish()
                                                         : damaged(file, "its checksum is wrong");
      }
      digest.update({buffer.data() + start, end + 1 - start});
      const bool good = is_first ? std::string(line) + '\n' == first_line : records.line(line);
      if (!good) {
        return damaged(file, is_first ? "it is of another format" : "a line is not understood");
      }
      is_first = false;
      start = end + 1;
    }
    buffer.erase(0, start);
    if (buffer.size() > buffer_size) {
      return damaged(file, "a line is too long");
    }
  }
}

} // namespace

result<void> write_replica_file(fs::file_system& disk, const std::string& file,
                                const replica_view& view, wall_time current_at) {
  auto swap = file_swap::begin(disk, file);
  if (swap.has_error()) {
    return swap.error();
  }
  writer out(*swap);
  out.add(first_line);
  out.add(fmt::format(
      "at\t{}\t{}\t{}\t{}\n", view.at().generation, view.at().change,
      std::chrono::duration_cast<std::chrono::seconds>(current_at.time_since_epoch()).count(),
      view.users()));
  view.each(out);
  if (auto done = out.finish(); done.has_error()) {
    return done.error();
  }
  return swap->commit();
}

result<saved_replica> read_replica_file(fs::file_system& disk, const std::string& file) {
  auto parts = split_path(file);
  if (parts.has_error()) {
    return parts.error();
  }
  const auto folder = disk.open_directory(parts->folder);
  if (folder.has_error()) {
    return fs::to_failure(folder.error(), parts->folder);
  }
  const auto opened = disk.open_at(*folder, parts->name, fs::open_mode::read);
  if (opened.has_error()) {
    return fs::to_failure(opened.error(), file);
  }
  return read_lines(disk, *opened, file);
}

} // namespace homeward::directory
