#include "lib/maildir/batch.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/base/escape.hpp"

namespace homeward::maildir {

namespace {

constexpr std::size_t compared_piece = std::size_t{64} << 10U;

} // namespace

batch::batch(filing_tools tools, const filing& what, std::string trace)
    : tools_(tools), files_(tools.where.files()), what_(what), trace_(std::move(trace)),
      file_(files_, tools_.maildirs, tools_.unnamed_files) {}

std::vector<result<filed>> batch::run(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    places_.push_back({.path = path});
  }
  // A Maildir that cannot take the file is out; the next one may.
  const auto first =
      std::find_if(places_.begin(), places_.end(), [this](place& p) { return stage(p); });
  if (first != places_.end()) {
    if (const auto written = write_content(); !written) {
      fail_all(written.error());
    } else {
      for (auto p = first; p != places_.end(); ++p) {
        name_in(*p, p == first);
      }
    }
    file_.remove_name();
    sync_last();
  }
  std::vector<result<filed>> outcomes;
  for (const place& p : places_) {
    if (p.at == place::state::needs_own_file) {
      outcomes.push_back(std::move(batch(tools_, what_, trace_).run({p.path}).front()));
    } else {
      outcomes.push_back(outcome(p));
    }
  }
  return outcomes;
}

bool batch::stage(place& p) {
  auto opened = tools_.maildirs.open_new(p.path);
  if (!opened) {
    p.at = place::state::failed;
    p.why = opened.error();
    return false;
  }
  staged_directory_ = std::move(*opened);
  if (const auto created = file_.create(p.path, staged_directory_, what_.name); !created) {
    p.at = place::state::failed;
    p.why = fs::to_failure(created.error(), escape(p.path));
    return false;
  }
  return true;
}

result<void> batch::write_content() {
  const auto size = write_stored_form(files_, file_.handle(), trace_, *what_.message);
  if (!size) {
    return size.error();
  }
  size_ = *size;
  file_name_ = file_name_for(what_.name, size_);
  fs::io_result<void> safe;
  switch (tools_.settings.recipe) {
  case sync_recipe::none: break;
  case sync_recipe::late: safe = files_.write_out(file_.handle()); break;
  case sync_recipe::strict: safe = files_.sync_all(file_.handle()); break;
  }
  if (!safe) {
    return fs::to_failure(safe.error(), "message file");
  }
  return {};
}

void batch::name_in(place& p, bool staged_here) {
  if (file_is_gone_) {
    p.at = place::state::needs_own_file;
    return;
  }
  fs::handle directory;
  if (staged_here) {
    directory = std::move(staged_directory_);
  } else {
    auto opened = tools_.maildirs.open_new(p.path);
    if (!opened) {
      p.at = place::state::failed;
      p.why = opened.error();
      return;
    }
    directory = std::move(*opened);
  }
  const auto linked = link_in(p, directory);
  if (linked) {
    p.at = place::state::named;
  } else if (p.at == place::state::failed) {
    return; // with its reason already
  } else if (linked.error() == EEXIST) {
    take_as_repeat(p, directory);
  } else if (!staged_here && (linked.error() == EXDEV || linked.error() == EMLINK)) {
    p.at = place::state::needs_own_file;
    return;
  } else {
    p.at = place::state::failed;
    p.why = fs::to_failure(linked.error(), escape(p.path));
  }
  if (p.at != place::state::failed && tools_.settings.recipe == sync_recipe::strict) {
    if (const auto safe = files_.sync_all(directory); !safe) {
      take_back(p, fs::to_failure(safe.error(), escape(p.path)));
    }
  }
}

fs::io_result<void> batch::link_in(place& p, fs::handle& new_directory) {
  const auto linked = files_.link_at(file_.handle(), new_directory, file_name_);
  if (linked || linked.error().number != ENOENT) {
    return linked;
  }
  // Somebody removed the Maildir after we had opened it.
  auto again = tools_.maildirs.open_new(p.path);
  if (!again) {
    p.at = place::state::failed;
    p.why = again.error();
    return linked;
  }
  new_directory = std::move(*again);
  return files_.link_at(file_.handle(), new_directory, file_name_);
}

void batch::take_as_repeat(place& p, const fs::handle& new_directory) {
  p.at = place::state::failed;
  p.why = transient_failure("a message of this name is in the mailbox already",
                            escape(p.path) + "/new/" + file_name_);
  if (tools_.settings.taken != when_taken::is_repeat) {
    return;
  }
  const auto there = files_.open_at(new_directory, file_name_, fs::open_mode::read);
  if (!there) {
    p.why = fs::to_failure(there.error(), escape(p.path));
    return;
  }
  const auto same = equals_ours(*there);
  if (!same) {
    p.why = same.error();
    return;
  }
  if (!*same) {
    p.why.cause += " differs from it";
    return;
  }
  if (tools_.settings.recipe != sync_recipe::none) {
    if (const auto safe = files_.sync_all(*there); !safe) {
      p.why = fs::to_failure(safe.error(), escape(p.path));
      return;
    }
  }
  p.at = place::state::repeat;
}

result<bool> batch::equals_ours(const fs::handle& other) const {
  std::vector<char> ours(compared_piece);
  std::vector<char> theirs(compared_piece);
  std::uint64_t offset = 0;
  for (;;) {
    const auto a = files_.read(file_.handle(), offset, ours);
    const auto b = files_.read(other, offset, theirs);
    if (!a || !b) {
      return fs::to_failure(a ? b.error() : a.error(), file_name_);
    }
    if (*a != *b ||
        !std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(*a), theirs.begin())) {
      return false;
    }
    if (*a == 0) {
      return true;
    }
    offset += *a;
  }
}

// One sync for all names: fsync, not fdatasync, which may leave the names out when the data is on
// disk already (docs/decisions/0003-filing-recipe.md).
void batch::sync_last() {
  const bool any = std::any_of(places_.begin(), places_.end(),
                               [](const place& p) { return p.at == place::state::named; });
  if (!any || tools_.settings.recipe != sync_recipe::late) {
    return;
  }
  const auto safe = files_.sync_all(file_.handle());
  if (safe) {
    return;
  }
  for (place& p : places_) {
    if (p.at == place::state::named) {
      take_back(p, fs::to_failure(safe.error(), escape(p.path)));
    }
  }
}

void batch::fail_all(const failure& why) {
  for (place& p : places_) {
    if (p.at == place::state::open) {
      p.at = place::state::failed;
      p.why = why;
    }
  }
}

// A repeat stays where it is: an earlier attempt may have been acknowledged.
void batch::take_back(place& p, failure why) {
  if (p.at == place::state::named) {
    if (const auto removed = tools_.maildirs.take_out(p.path, file_name_); !removed) {
      why.cause += "; the message is still visible, complete";
    }
  }
  p.at = place::state::failed;
  p.why = std::move(why);
  // A file that lost its last name cannot get another.
  file_is_gone_ = !file_.has_name() &&
                  std::none_of(places_.begin(), places_.end(),
                               [](const place& other) { return other.at == place::state::named; });
}

result<filed> batch::outcome(const place& p) const {
  if (p.at == place::state::named || p.at == place::state::repeat) {
    return filed{
        .file_name = file_name_, .size = size_.octets, .repeat = p.at == place::state::repeat};
  }
  return p.why;
}

} // namespace homeward::maildir
