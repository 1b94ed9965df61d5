#pragma once
// The directory as a static YAML list, for trials and tests: servers, partitions and users with
// their homes written out. It is read again when the file changes; a file with a fault leaves the
// replica as it was. homewardctl cannot write it: an editor can.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/config/table.hpp"
#include "lib/directory/engine.hpp"

namespace homeward::directory {

// What the file holds.
struct yaml_list {
  std::vector<server> servers;
  std::vector<partition> partitions;
  std::vector<user> users; // sorted by mailbox once read
};

// Reads such a list; `file` is the name for messages. All faults come at once, with their lines.
[[nodiscard]] config::outcome<yaml_list> parse_yaml_list(std::string_view text,
                                                         const std::string& file);
// The commented file to start from.
[[nodiscard]] std::string example_yaml_list();

// Writes records as such a list, ready for parse_yaml_list().
[[nodiscard]] std::string yaml_of(const server& s);
[[nodiscard]] std::string yaml_of(const partition& p);
[[nodiscard]] std::string yaml_of(const user& u);

// One thread at a time.
class yaml_engine final : public engine {
 public:
  explicit yaml_engine(std::string file) : file_(std::move(file)) {}

  [[nodiscard]] std::string description() const override { return "YAML directory " + file_; }
  [[nodiscard]] result<position> load(receiver& into) override;
  [[nodiscard]] result<std::optional<position>> changes_since(const position& known,
                                                              receiver& into) override;
  [[nodiscard]] result<std::vector<server>> servers() override;
  [[nodiscard]] result<std::vector<partition>> partitions() override;
  [[nodiscard]] result<std::vector<partition_use>> usage() override;
  [[nodiscard]] result<std::optional<user>> find_user(std::string_view mailbox) override;
  [[nodiscard]] result<void> each_user(const user_filter& filter,
                                       const std::function<bool(const user&)>& visit) override;
  [[nodiscard]] result<std::unique_ptr<edit>> begin() override;

 private:
  struct stamp { // by which a changed file is noticed without reading it
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified = 0; // nanoseconds
    friend bool operator==(const stamp&, const stamp&) = default;
  };
  // Reads the file if it is another one than last time.
  [[nodiscard]] result<void> read();

  const std::string file_;
  bool known_ = false;
  stamp stamp_;
  position at_;
  yaml_list list_;
};

} // namespace homeward::directory
