#pragma once
// The directory in one SQLite file: the default. In WAL mode readers and the one writer do not wait
// for each other; a writer waits up to the busy limit for another. docs/format/directory.md has the
// schema.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/directory/engine.hpp"

namespace homeward::directory {

class sqlite_database;

// What directory::check found.
struct check_finding {
  bool is_error = false; // false: worth knowing, nothing is broken
  std::string what;
  std::string advice = {};
};

// One thread at a time. The file is opened when it is first needed, and again after it was
// replaced.
class sqlite_engine final : public engine {
 public:
  explicit sqlite_engine(std::string file,
                         std::chrono::milliseconds busy = std::chrono::seconds(5));
  ~sqlite_engine() override;

  // Makes a new, empty directory file, for this user and group only. Permanent failure if there is
  // a file.
  [[nodiscard]] static result<void> initialise(const std::string& file);

  [[nodiscard]] std::string description() const override { return "SQLite directory " + file_; }
  [[nodiscard]] result<position> load(receiver& into) override;
  [[nodiscard]] result<std::optional<position>> changes_since(const position& known,
                                                              receiver& into) override;
  [[nodiscard]] result<std::vector<server>> servers() override;
  [[nodiscard]] result<std::vector<partition>> partitions() override;
  [[nodiscard]] result<std::vector<partition_use>> usage() override;
  [[nodiscard]] result<std::optional<user>> find_user(std::string_view mailbox) override;
  [[nodiscard]] result<std::optional<former_user>> find_former(std::string_view mailbox) override;
  [[nodiscard]] result<void> each_user(const user_filter& filter,
                                       const std::function<bool(const user&)>& visit) override;
  [[nodiscard]] result<std::unique_ptr<edit>> begin() override;

  // A consistent copy of the whole directory in `target` (written beside it and renamed, synced);
  // an existing file is replaced. Daemons and writers are not disturbed.
  [[nodiscard]] result<void> backup(const std::string& target);
  // Replaces the content by that of a backup, in one transaction: readers see the old or the new.
  // The generation becomes a new one, so that replicas read everything. The backup is checked
  // first. Epochs never sink by it. A damaged directory is moved away; then its new name is
  // returned, else "".
  [[nodiscard]] result<std::string> restore(const std::string& backup);
  // Looks for damage, broken references, and settings under which mail would wait.
  [[nodiscard]] result<std::vector<check_finding>> check();

 private:
  // The open connection, checked to be to the file that is there now.
  [[nodiscard]] result<sqlite_database*> connect();

  const std::string file_;
  const std::chrono::milliseconds busy_;
  std::shared_ptr<sqlite_database> database_; // an edit under way shares it
  std::uint64_t device_ = 0;                  // of the open file
  std::uint64_t inode_ = 0;
};

} // namespace homeward::directory
