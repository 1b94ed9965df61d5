#pragma once
// Where in a Maildir is a message now? In new/ under the name under which it was filed, or in cur/
// under that name with the flags of a reader behind it. Recovery asks that many thousand times, so
// what a Maildir holds is remembered. Inside of lib/maildir; used by restorer.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "lib/fs/file_system.hpp"
#include "lib/maildir/shelf.hpp"

namespace homeward::maildir {

struct found_message {
  enum class place : unsigned char {
    nowhere,   // nor was it anywhere since we look
    in_new,    // `folder` is new/
    in_cur,    // `folder` is cur/
    taken_away // it was there when we looked first, and a reader has removed it since
  };
  place at = place::nowhere;
  fs::handle folder;
  std::string name; // in that folder
};

// One thread. Readers may be at work in the Maildirs: they move messages from new/ to cur/, change
// flags and delete; they never put one into new/. Memory: 16 octets per message in the Maildirs
// asked for; beyond max_entries all but the Maildir in question is forgotten, and listed again when
// it is asked for.
class message_finder {
 public:
  static constexpr std::size_t max_entries = std::size_t{4} << 20U;

  message_finder(fs::file_system& files, shelf& maildirs, std::size_t limit = max_entries);

  // A Maildir that is missing, or has no cur/, holds nothing.
  [[nodiscard]] fs::io_result<found_message> find(const std::string& path,
                                                  const std::string& file_name);
  // Whether the message is in cur/, too, when it was found in new/: after a power cut a Maildir may
  // show both, because nobody promises that what a reader did reaches the disk in its order.
  // Else `nowhere`.
  [[nodiscard]] fs::io_result<found_message> find_in_cur(const std::string& path,
                                                         const std::string& file_name);
  // The message is in new/, or was: we gave it this name there.
  void note(const std::string& path, std::string_view file_name);

 private:
  // What new/ and cur/ held, as hashes of the names without flags, sorted.
  struct seen_message {
    std::uint64_t hash = 0;
    std::uint32_t flags = 0; // index into flags_
    friend auto operator<=>(const seen_message&, const seen_message&) = default;
  };
  struct listing {
    std::vector<std::uint64_t> fresh;
    std::vector<seen_message> seen;
    std::unordered_set<std::uint64_t> more; // filed by us since, or taken away before
    [[nodiscard]] bool mentions(std::uint64_t hash) const;
    [[nodiscard]] std::size_t weight() const; // in entries
  };

  [[nodiscard]] fs::io_result<found_message> look_in_new(const std::string& path,
                                                         const std::string& file_name);
  [[nodiscard]] fs::io_result<found_message>
  look_in_cur(const std::string& path, const std::string& file_name, const listing& known);
  [[nodiscard]] fs::io_result<const listing*> listing_of(const std::string& path);
  [[nodiscard]] fs::io_result<listing> list(const std::string& path);
  [[nodiscard]] fs::io_result<std::vector<fs::directory_entry>> entries_of(const std::string& path,
                                                                           std::string_view folder);
  void forget(const std::string& path);
  [[nodiscard]] std::uint64_t hash_of(std::string_view name) const;
  [[nodiscard]] std::uint32_t index_of(std::string_view flags);

  fs::file_system& files_;
  shelf& maildirs_;
  const std::size_t limit_;
  const std::string salt_; // so that nobody can make names with equal hashes
  std::map<std::string, listing> listings_;
  std::vector<std::string> flags_; // every suffix that was met, such as ":2,S"
  std::map<std::string, std::uint32_t, std::less<>> index_of_flags_;
  std::size_t entries_ = 0; // the weight of all listings_
};

} // namespace homeward::maildir
