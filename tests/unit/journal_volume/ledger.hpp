#pragma once
// What clients were promised, kept outside the store, and the judge that holds it against the
// Maildirs.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "lib/maildir/path_template.hpp"

#include "tests/unit/maildir/mail_store.hpp"

namespace homeward::journal::test {

// (key, mailbox): one delivery.
using delivery_key = std::pair<std::string, std::string>;

struct promise {
  bool acknowledged = false;
  // What a reader did with it. `for_good`: it was deleted before a checkpoint, or was found absent
  // after a power cut, and may not come back in any way.
  enum class state : unsigned char { present, deleted, deleted_for_good } reader = state::present;
  // Deleted while nothing had gone wrong in this boot: may not come back before a power cut.
  bool strict = false;
};

// What happened since the partition was judged the last time.
struct since {
  bool cut = false;       // the power was cut
  bool disturbed = false; // in this boot there were errors, planned ones
};

// A file in new/ or cur/.
struct visible_copy {
  std::string path; // beneath the partition
  std::string mailbox;
  std::string key;
};

class ledger {
 public:
  explicit ledger(const std::map<std::string, std::vector<std::string>>& mailboxes_by_partition) {
    for (const auto& [partition, mailboxes] : mailboxes_by_partition) {
      for (const std::string& mailbox : mailboxes) {
        maildirs_["/srv/" + partition + "/" + maildir::path_template().expand(mailbox).value()] =
            mailbox;
        partitions_[mailbox] = partition;
      }
    }
  }

  void sent(const std::string& key, const std::vector<std::string>& mailboxes,
            const std::string& octets) {
    octets_[key] = octets;
    for (const std::string& mailbox : mailboxes) {
      promises_.try_emplace({key, mailbox});
    }
  }
  [[nodiscard]] promise& of(const std::string& key, const std::string& mailbox) {
    return promises_[{key, mailbox}];
  }
  [[nodiscard]] const std::map<delivery_key, promise>& all() const { return promises_; }
  [[nodiscard]] const std::string& partition_of(const std::string& mailbox) const {
    return partitions_.at(mailbox);
  }

  // Everything that a reader sees in the partition. Adds what is no whole message, or is none of
  // this mailbox.
  [[nodiscard]] std::vector<visible_copy> look(fs::file_system& files, const std::string& partition,
                                               std::vector<std::string>& wrong) const {
    std::vector<visible_copy> copies;
    for (const auto& [path, text] : maildir::test::mail_in(files, "/srv/" + partition)) {
      const std::size_t folder = path.rfind('/', path.rfind('/') - 1);
      const auto mailbox = maildirs_.find("/srv/" + partition + "/" + path.substr(0, folder));
      const std::string file = path.substr(path.rfind('/') + 1);
      const std::size_t dot = file.find('.');
      const std::string key = file.substr(dot + 1, file.find('.', dot + 1) - dot - 1);
      if (mailbox == maildirs_.end() || !promises_.contains({key, mailbox->second})) {
        wrong.push_back("alien: " + path);
      } else if (!is_whole(text, file, key, mailbox->second)) {
        wrong.push_back(fmt::format("torn: {} ({} octets)", path, text.size()));
      } else {
        copies.push_back({path, mailbox->second, key});
      }
    }
    return copies;
  }

  // Holds the promises against what is visible in a partition that has recovered.
  void judge(fs::file_system& files, const std::string& partition, since s,
             std::vector<std::string>& wrong) {
    std::map<delivery_key, std::vector<std::string>> copies;
    for (const visible_copy& c : look(files, partition, wrong)) {
      copies[{c.key, c.mailbox}].push_back(c.path);
    }
    for (auto& [id, p] : promises_) {
      if (partitions_.at(id.second) == partition) {
        judge_one(id, p, copies[id], s, wrong);
      }
    }
  }

 private:
  [[nodiscard]] bool is_whole(const std::string& text, const std::string& file,
                              const std::string& key, const std::string& mailbox) const {
    const std::string sizes =
        fmt::format(",S={},W={}", text.size(), maildir::test::wire_size(text));
    if (!file.substr(0, file.find(':')).ends_with(sizes)) {
      return false;
    }
    const std::string trace = "Return-Path: <s@x>\n";
    return text == maildir::test::stored_text(trace, octets_.at(key)) ||
           text == maildir::test::stored_text(trace + "Delivered-To: " + mailbox + "\n",
                                              octets_.at(key));
  }

  static void judge_one(const delivery_key& id, promise& p, const std::vector<std::string>& paths,
                        since s, std::vector<std::string>& wrong) {
    const std::string what = id.first + " for " + id.second;
    if (paths.size() > 1) {
      wrong.push_back(
          fmt::format("{} copies of {}: {}", paths.size(), what, fmt::join(paths, " ")));
    }
    switch (p.reader) {
    case promise::state::present:
      if (p.acknowledged && paths.empty()) {
        wrong.push_back("lost: " + what);
      }
      break;
    case promise::state::deleted:
      if (!paths.empty() && p.strict && !s.cut && !s.disturbed) {
        wrong.push_back("came back within one boot: " + what);
      }
      if (!paths.empty()) {
        p.reader = promise::state::present;
      } else if (s.cut) {
        p.reader = promise::state::deleted_for_good;
      }
      break;
    case promise::state::deleted_for_good:
      if (!paths.empty()) {
        wrong.push_back("came back after a checkpoint: " + what);
      }
      break;
    }
  }

  std::map<std::string, std::string> maildirs_;   // absolute path -> mailbox
  std::map<std::string, std::string> partitions_; // mailbox -> partition
  std::map<std::string, std::string> octets_;     // by key
  std::map<delivery_key, promise> promises_;
};

} // namespace homeward::journal::test
