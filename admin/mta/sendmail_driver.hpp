#pragma once
// sendmail: two marked blocks in sendmail.mc, lines of ours in mailertable and access, lists of
// domains or users; sendmail.cf is made from it by m4 in a copy and tried there.

#include <string>
#include <vector>

#include "admin/mta/driver.hpp"
#include "admin/mta/old_routes.hpp"
#include "admin/mta/sendmail_config.hpp"

namespace homeward::admin::mta {

class sendmail_driver final : public driver {
 public:
  sendmail_driver(settings s, user_directory users)
      : settings_(std::move(s)), users_(std::move(users)) {}

  [[nodiscard]] result<plan> make_plan(const std::string& staging) override;
  [[nodiscard]] bool is_running() override;
  [[nodiscard]] result<void> reload() override;
  [[nodiscard]] result<void> verify(const std::vector<probe>& probes, bool was_running) override;
  [[nodiscard]] waiting_mail waiting() override;
  [[nodiscard]] result<std::vector<finding>> check() override; // sendmail_check.cpp

 private:
  // A file worked out in the staging directory.
  struct staged_file {
    std::string path;   // where it will be
    std::string staged; // where it is tried
    std::string text;
    std::string map_type; // of a table: "hash"; its .db lies beside `staged`
  };

  [[nodiscard]] std::string path(const char* name) const {
    return settings_.configuration + '/' + name;
  }
  [[nodiscard]] result<void> read_live(plan& p);
  [[nodiscard]] result<void> choose_layout(plan& p);
  void refuse_what_cannot_be(plan& p) const;
  [[nodiscard]] result<void> find_users(plan& p);
  [[nodiscard]] result<void> stage_tables(plan& p);
  [[nodiscard]] result<void> stage_table(plan& p, const cf_map* map, const char* name,
                                         const std::vector<std::string>& lines);
  [[nodiscard]] result<void> stage_cf(plan& p);
  [[nodiscard]] result<void> validate(plan& p);
  [[nodiscard]] result<void> collect(plan& p);
  void stage_queues(plan& p) const;
  // The configuration with its queues in the staging directory: the real ones are made by apply.
  [[nodiscard]] std::string with_trial_queues(const std::string& cf) const;
  [[nodiscard]] std::vector<std::string> feature_lines() const;
  [[nodiscard]] std::vector<std::string> mailer_lines() const;
  [[nodiscard]] std::string fragment(const char* name) const;
  [[nodiscard]] std::string mailertable_value() const;
  // Whether mailertable is a feature of ours and not of the administrator's.
  [[nodiscard]] bool own_mailertable() const { return !mc_has_mailertable_; }
  // Whether single users move: the others of the domain stay with the local mailer.
  [[nodiscard]] bool uses_list() const { return uses_list_; }
  void stage_list(const char* name, const std::vector<std::string>& lines);

  settings settings_;
  user_directory users_;
  std::string staging_;
  std::string mc_;                  // sendmail.mc as it is
  bool mc_has_mailertable_ = false; // by the administrator's own hand
  std::string cf_text_;             // sendmail.cf as it is
  sendmail_cf cf_;
  std::vector<std::string> local_;   // class w
  std::vector<std::string> relayed_; // class R
  layout_kind layout_ = layout_kind::automatic;
  std::vector<std::string> domains_; // of all that was chosen
  bool uses_list_ = false;
  std::vector<std::string> list_; // local parts in the users file
  std::vector<staged_file> files_;
  std::string new_cf_; // built from the staged sendmail.mc
};

} // namespace homeward::admin::mta
