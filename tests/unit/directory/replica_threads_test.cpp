// Readers from many threads while the replica is refreshed. Run under ThreadSanitizer too.

#include <atomic>
#include <thread>

#include "lib/directory/replica.hpp"

#include "tests/unit/directory/directory_support.hpp"

namespace homeward::directory {
namespace {

using namespace testing; // NOLINT: the helpers above

class replica_threads : public small_directory {};

TEST_F(replica_threads, every_view_is_of_one_moment) {
  // In every state of the directory the two live on different servers; they change places in one
  // edit.
  add_users({user_on("bob@example.org", "store2")});
  const system_clock_source clock;
  replica shared(clock);
  must(shared.refresh(*engine_));
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::atomic<int> looked = 0;
  const auto read = [&] {
    while (!stop || looked < 100) {
      const auto view = shared.view();
      const auto ann = view.lookup("ann@example.org");
      const auto bob = view.lookup("bob@example.org");
      const auto* a = std::get_if<found_home>(&ann);
      const auto* b = std::get_if<found_home>(&bob);
      if (a == nullptr || b == nullptr || a->primary->id.server == b->primary->id.server ||
          a->primary_server->endpoints.empty() ||
          !std::holds_alternative<no_such_user>(shared.lookup("nobody"))) {
        ++wrong;
      }
      ++looked;
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back(read);
  }
  for (int round = 0; round < 60; ++round) {
    auto e = must(engine_->begin());
    must(e->set(user_on("ann@example.org", round % 2 == 0 ? "store2" : "store1")));
    must(e->set(user_on("bob@example.org", round % 2 == 0 ? "store1" : "store2")));
    must(e->add(user_on("user" + std::to_string(round) + "@example.org", "store1")));
    must(e->commit());
    must(shared.refresh(*engine_));
  }
  stop = true;
  for (auto& t : readers) {
    t.join();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(shared.view().users(), 62U);
}

} // namespace
} // namespace homeward::directory
