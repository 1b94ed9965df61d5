#pragma once
// What people and programs get to read of plans, findings and backups.

#include <nlohmann/json.hpp>

#include "admin/mta/backup.hpp"
#include "admin/mta/driver.hpp"
#include "admin/mta/plan.hpp"
#include "admin/session.hpp"

namespace homeward::admin::mta {

void print_plan(session& s, const plan& p);
[[nodiscard]] nlohmann::json to_json(const plan& p);
void print_findings(session& s, const std::vector<finding>& findings);
void print_backups(session& s, const std::vector<backup>& backups);
// What waits in the queue, and what sends it on its new way.
void print_waiting(session& s, const waiting_mail& w);

} // namespace homeward::admin::mta
