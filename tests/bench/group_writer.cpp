#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <string_view>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "tests/bench/bare_writer.hpp"
#include "tests/bench/crc32c.hpp"

namespace homeward::bench {

namespace {

constexpr off_t segment_size = off_t{64} << 20U;
constexpr auto checkpoint_interval = std::chrono::seconds(5);
constexpr std::size_t pieces_of_a_record = 5;

// What is before each message in a segment. A record of an older use of the segment is told apart
// by its number.
struct record_header {
  std::uint64_t magic = 0x4A5752; // any fixed value
  std::uint64_t number = 0;
  std::uint64_t size = 0; // of envelope and message
  std::uint32_t payload_crc = 0;
  std::uint32_t header_crc = 0; // of the members above
};
static_assert(sizeof(record_header) == 32);

std::string_view octets_of(const record_header& h, std::size_t size) {
  return {reinterpret_cast<const char*>(&h), size};
}

iovec piece(std::string_view octets) {
  return {const_cast<char*>(octets.data()), octets.size()};
}

// The one message a client has under way.
struct slot {
  record_header header;
  std::string envelope;
  const message* body = nullptr;
  unsigned segment = 0; // set before `committed`
  std::atomic<bool> committed{false};

  void fill(std::uint64_t number, const std::string& name, const message& m) {
    envelope = fmt::format("{} u{} <sender@bench.example>\n", name, number);
    body = &m;
    header.size = envelope.size() + m.size();
    header.payload_crc = crc32c(crc32c(crc32c(crc32c(0, envelope), m.head), m.bulk), m.tail);
    committed = false;
  }
  [[nodiscard]] std::size_t size() const { return sizeof header + header.size; }
};

class group_writer : public bare_writer {
 public:
  group_writer(const maildirs& where, const group_settings& s)
      : where_(where), slots_(s.clients), unsettled_(s.segments),
        volume_(::open(s.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        checkpoint_(open_file(s.directory + "/checkpoint")) {
    const std::string zeroes(1U << 20U, '\0');
    for (unsigned i = 0; i < s.segments; ++i) {
      const int fd = open_file(fmt::format("{}/segment-{}", s.directory, i));
      for (off_t at = 0; at < segment_size; at += static_cast<off_t>(zeroes.size())) {
        write_all(fd, {piece(zeroes)}, at);
      }
      sync(fd);
      segments_.push_back(fd);
    }
    committer_ = std::thread([this] { commit_groups(); });
    checkpointer_ = std::thread([this] { make_checkpoints(); });
  }

  ~group_writer() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    something_waits_.notify_all();
    checkpoint_due_.notify_all();
    committer_.join();
    checkpointer_.join();
  }
  group_writer(const group_writer&) = delete;
  group_writer& operator=(const group_writer&) = delete;

  void deliver(unsigned client, std::uint64_t number, const std::string& name,
               const message& m) override {
    slot& s = slots_[client];
    s.fill(number, name, m);
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(&s);
    }
    something_waits_.notify_one();
    file(number, name, m);
    s.committed.wait(false);
    --unsettled_[s.segment % segments_.size()];
  }

 private:
  static int open_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
      die(path);
    }
    return fd;
  }

  static void sync(int fd) {
    if (::fdatasync(fd) != 0) {
      die("fdatasync");
    }
  }

  static void write_all(int fd, const std::vector<iovec>& pieces, off_t at) {
    std::size_t size = 0;
    for (const iovec& p : pieces) {
      size += p.iov_len;
    }
    if (::pwritev(fd, pieces.data(), static_cast<int>(pieces.size()), at) !=
        static_cast<ssize_t>(size)) {
      die("pwritev");
    }
  }

  // Without a sync: the journal has the message.
  void file(std::uint64_t number, const std::string& name, const message& m) const {
    const int fresh = where_.of(number).fresh;
    const int fd = ::openat(fresh, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd < 0) {
      die("O_TMPFILE");
    }
    const std::array<iovec, 3> pieces = {piece(m.head), piece(m.bulk), piece(m.tail)};
    if (::writev(fd, pieces.data(), pieces.size()) != static_cast<ssize_t>(m.size())) {
      die("writev");
    }
    if (::linkat(fd, "", fresh, name.c_str(), AT_EMPTY_PATH) != 0) {
      die("linkat");
    }
    ::close(fd);
  }

  void commit_groups() {
    std::vector<slot*> group;
    std::uint64_t records = 0;
    off_t end = 0;
    while (gather(group)) {
      std::vector<iovec> pieces;
      pieces.reserve(group.size() * pieces_of_a_record);
      off_t size = 0;
      for (slot* s : group) {
        s->header.number = ++records;
        s->header.header_crc = crc32c(0, octets_of(s->header, offsetof(record_header, header_crc)));
        pieces.insert(pieces.end(),
                      {piece(octets_of(s->header, sizeof s->header)), piece(s->envelope),
                       piece(s->body->head), piece(s->body->bulk), piece(s->body->tail)});
        size += static_cast<off_t>(s->size());
      }
      if (end + size > segment_size) {
        begin_next_segment();
        end = 0;
      }
      const unsigned current = current_;
      const int fd = segments_[current % segments_.size()];
      write_all(fd, pieces, end);
      sync(fd);
      end += size;
      unsettled_[current % segments_.size()] += static_cast<int>(group.size());
      for (slot* s : group) {
        s->segment = current;
        s->committed = true;
        s->committed.notify_one();
      }
    }
  }

  bool gather(std::vector<slot*>& group) {
    group.clear();
    std::unique_lock lock(mutex_);
    something_waits_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    group.swap(waiting_);
    return !group.empty();
  }

  void begin_next_segment() {
    std::unique_lock lock(mutex_);
    ++current_;
    checkpoint_due_.notify_one();
    segment_is_free_.wait(lock, [&] { return current_ < oldest_needed_ + segments_.size(); });
  }

  // Every 5 s, and earlier when half of the segments are used up.
  void make_checkpoints() {
    std::unique_lock lock(mutex_);
    while (true) {
      checkpoint_due_.wait_for(lock, checkpoint_interval, [&] {
        return stopping_ || current_ - oldest_needed_ >= segments_.size() / 2;
      });
      if (stopping_) {
        return;
      }
      const unsigned below = current_;
      lock.unlock();
      for (unsigned s = oldest_needed_; s < below; ++s) {
        while (unsettled_[s % segments_.size()] != 0) {
          std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
      }
      if (::syncfs(volume_) != 0) {
        die("syncfs");
      }
      const std::string record = fmt::format("{:<512}", below);
      write_all(checkpoint_, {piece(record)}, 0);
      sync(checkpoint_);
      lock.lock();
      oldest_needed_ = below;
      segment_is_free_.notify_one();
    }
  }

  const maildirs& where_;
  std::vector<slot> slots_;
  std::vector<int> segments_;
  std::vector<std::atomic<int>> unsettled_; // by segment: committed and not yet answered
  int volume_;
  int checkpoint_;
  std::mutex mutex_; // of what follows
  std::condition_variable something_waits_;
  std::condition_variable checkpoint_due_;
  std::condition_variable segment_is_free_;
  std::vector<slot*> waiting_;
  bool stopping_ = false;
  unsigned current_ = 0;       // number of the segment that is written; changed by the committer
  unsigned oldest_needed_ = 0; // number of the oldest segment not yet behind a checkpoint
  std::thread committer_;
  std::thread checkpointer_;
};

} // namespace

std::unique_ptr<bare_writer> make_group_writer(const maildirs& where,
                                               const group_settings& settings) {
  return std::make_unique<group_writer>(where, settings);
}

} // namespace homeward::bench
