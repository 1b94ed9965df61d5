#pragma once
// One queue directory of sendmail, opened: its files lie in it directly, or in sub-directories qf/,
// df/ and xf/, each of which sendmail uses when it is there. And the directories that a pattern
// such as "/var/spool/mqueue/q*" means.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/queue_file.hpp"

namespace homeward::mta_queue {

// What lies in a queue directory: ids, sorted, which is about by age.
struct queue_listing {
  std::vector<std::string> envelopes;   // qf
  std::vector<std::string> quarantined; // hf
  std::vector<std::string> lost;        // Qf
  std::vector<std::string> data;        // df
  std::vector<std::string> temporary;   // tf
  std::vector<std::string> transcripts; // xf
  std::uint64_t others = 0; // files that are none of sendmail's, qf/ df/ xf/ not counted

  // Messages that sendmail knows of: qf, hf and Qf.
  [[nodiscard]] std::uint64_t messages() const {
    return envelopes.size() + quarantined.size() + lost.size();
  }
};

// Move-only; the file system must outlive it. Any thread may read; it never changes.
class queue_directory {
 public:
  // The failure names the path and what to do.
  [[nodiscard]] static result<queue_directory> open(fs::file_system& files,
                                                    std::string_view absolute_path);

  [[nodiscard]] const std::string& path() const { return path_; }
  // Where qf, hf, Qf and tf lie; where df; where xf. The same handle where there is no
  // sub-directory.
  [[nodiscard]] const fs::handle& envelopes() const { return qf_.is_open() ? qf_ : root_; }
  [[nodiscard]] const fs::handle& data() const { return df_.is_open() ? df_ : root_; }
  [[nodiscard]] const fs::handle& transcripts() const { return xf_.is_open() ? xf_ : root_; }
  // The handle under which a kind of file lies.
  [[nodiscard]] const fs::handle& place_of(file_kind kind) const;
  // The path of a job's file, for people.
  [[nodiscard]] std::string path_of(file_kind kind, std::string_view id) const;

  [[nodiscard]] fs::io_result<queue_listing> list(fs::file_system& files) const;

 private:
  std::string path_;
  fs::handle root_;
  fs::handle qf_;
  fs::handle df_;
  fs::handle xf_;
};

// The directories that `pattern` names, sorted: an absolute path whose components may hold the
// wildcards of the shell. What is no directory does not match. A failure when nothing matches, or
// when a directory on the way cannot be read.
[[nodiscard]] result<std::vector<std::string>> expand_pattern(fs::file_system& files,
                                                              std::string_view pattern);

// The same, opened. A failure when one of them cannot be opened.
[[nodiscard]] result<std::vector<queue_directory>> open_pattern(fs::file_system& files,
                                                                std::string_view pattern);

// The whole content of a file; EFBIG when it is larger than `limit`.
[[nodiscard]] fs::io_result<std::string> read_whole(fs::file_system& files, const fs::handle& file,
                                                    std::uint64_t limit);

// No envelope is larger than this in earnest: a message with a million recipients has 64 MB.
inline constexpr std::uint64_t largest_envelope = 256ULL << 20U;

} // namespace homeward::mta_queue
